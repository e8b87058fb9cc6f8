import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureDebianPackage } from './debian.ts'
import { LocalServer } from './local-server.ts'

const MARIADB = '/usr/sbin/mariadbd'

/** Why MariaDB cannot be started here, or undefined when it can. Installs Debian's package first where that is possible. */
export const mariadbMissing = (): string | undefined => ensureDebianPackage('mariadb-server', MARIADB)

/** Starts a MariaDB of our own, which `root` enters without a password. */
export const startMariadb = (): Promise<LocalServer> =>
  LocalServer.start({
    name: 'MariaDB',
    command: MARIADB,
    prepare: async (_port, directory) => {
      const common = ['--no-defaults', '--user=root', `--datadir=${join(directory, 'data')}`]
      const own = ['--auth-root-authentication-method=normal', '--skip-test-db']
      await promisify(execFile)('/usr/bin/mariadb-install-db', [...common, ...own])
    },
    args: (port, directory) => [
      ...['--no-defaults', '--user=root', `--datadir=${join(directory, 'data')}`, '--bind-address=127.0.0.1'],
      ...[`--port=${port}`, `--socket=${join(directory, 's')}`, `--pid-file=${join(directory, 'pid')}`],
      ...['--skip-log-bin', '--innodb-buffer-pool-size=64M', '--innodb-flush-log-at-trx-commit=0'],
    ],
  })
