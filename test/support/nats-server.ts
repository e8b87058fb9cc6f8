import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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

/**
 * Starts a NATS of our own that lets in only whom `authorization` describes (that block of its configuration, such as
 * `user: a, password: b`). `authorize` changes that while it runs.
 */
export async function startGuardedNats(
  authorization: string,
): Promise<{ readonly server: LocalServer; authorize(authorization: string): Promise<void> }> {
  const write = (directory: string, allowed: string): Promise<void> =>
    writeFile(join(directory, 'nats.conf'), `authorization { ${allowed} }\n`)
  const server = await LocalServer.start({
    name: 'NATS',
    command: NATS,
    args: (port, directory) => [
      ...['-a', '127.0.0.1', '-p', String(port), '-P', join(directory, 'pid'), '-c', join(directory, 'nats.conf')],
      ...['-js', '-sd', directory],
    ],
    prepare: (_port, directory) => write(directory, authorization),
  })
  return {
    server,
    authorize: async allowed => {
      await write(server.directory, allowed)
      process.kill(Number(await readFile(join(server.directory, 'pid'), 'utf8')), 'SIGHUP')
    },
  }
}
