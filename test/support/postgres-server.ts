import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureDebianPackage } from './debian.ts'
import { LocalServer } from './local-server.ts'

const run = promisify(execFile)
const VERSIONS = '/usr/lib/postgresql'
/** Of Debian's own user for the server, who is there with the package. */
const USER = 'postgres'

/** The folder of the newest server's programs. */
function programs(): string | undefined {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map(version => join(VERSIONS, version, 'bin')).find(folder => existsSync(join(folder, 'postgres')))
}

/** Why PostgreSQL cannot be started here, or undefined when it can. Installs Debian's package first where that is possible. */
export function postgresMissing(): string | undefined {
  if (programs() !== undefined) return undefined
  return (
    ensureDebianPackage('postgresql', '/usr/bin/pg_ctlcluster') ??
    (programs() ? undefined : `${VERSIONS} has no server`)
  )
}

/** The command as somebody without rights: the server refuses to be run by root. */
const unprivileged = (command: string): readonly [string, ...string[]] =>
  process.getuid?.() === 0
    ? ['/usr/bin/setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', command]
    : [command]

/** Starts a PostgreSQL of our own, which `postgres` enters without a password, and `proxy` with one. */
export function startPostgres(): Promise<LocalServer> {
  const folder = programs() ?? ''
  const [command, ...before] = unprivileged(join(folder, 'postgres'))
  return LocalServer.start({
    name: 'PostgreSQL',
    command,
    prepare: async (_port, directory) => {
      if (process.getuid?.() === 0) {
        const ids = await Promise.all(['-u', '-g'].map(async flag => Number((await run('id', [flag, USER])).stdout)))
        await chown(directory, ids[0] ?? 0, ids[1] ?? 0)
      }
      const data = join(directory, 'data')
      const [initdb, ...options] = unprivileged(join(folder, 'initdb'))
      const own = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
      await run(initdb, [...options, ...own, `--pgdata=${data}`], { cwd: directory })
      const access = join(data, 'pg_hba.conf')
      await writeFile(access, `host all proxy all scram-sha-256\n${await readFile(access, 'utf8')}`)
    },
    args: (port, directory) => [
      ...before,
      ...['-D', join(directory, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', directory],
      ...['-c', 'fsync=off', '-c', 'shared_buffers=32MB', '-c', 'max_connections=200'],
    ],
    isReady: port =>
      run(join(folder, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]).then(
        () => true,
        () => false,
      ),
  })
}
