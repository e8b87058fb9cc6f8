import { ensureDebianPackage } from './debian.ts'
import { LocalServer } from './local-server.ts'

const NATS = '/usr/sbin/nats-server'

/** Why NATS cannot be started here, or undefined when it can. Installs Debian's package first where that is possible. */
export const natsMissing = (): string | undefined => ensureDebianPackage('nats-server', NATS)

/** Starts a NATS of our own, with JetStream kept in its folder. */
export const startNats = (): Promise<LocalServer> =>
  LocalServer.start({
    name: 'NATS',
    command: NATS,
    args: (port, directory) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory],
  })
