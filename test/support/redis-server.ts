import { ensureDebianPackage } from './debian.ts'
import { LocalServer } from './local-server.ts'

const REDIS = '/usr/bin/redis-server'

/** Why Redis cannot be started here, or undefined when it can. Installs Debian's package first where that is possible. */
export const redisMissing = (): string | undefined => ensureDebianPackage('redis-server', REDIS)

/** Starts a Redis of our own that writes every command to its log, so that nothing it confirmed goes with a kill. */
export const startRedis = (): Promise<LocalServer> =>
  LocalServer.start({
    name: 'Redis',
    command: REDIS,
    args: (port, directory) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--daemonize', 'no'],
      ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    ],
  })
