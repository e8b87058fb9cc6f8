import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { SUBSCRIBER_TABLE } from '../../../src/modules/auth_db/tables.ts'
import { filledDatabase } from '../../support/filled-database.ts'
import { freePort } from '../../support/ports.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { sipp } from '../../support/sipp.ts'

const REGISTRATIONS = 200

// SIPp 3.6 answers MD5 alone.
describe.skipIf(inject('sippMissing') !== null)('SIPp with credentials', () => {
  it.each(['', 'auth', 'auth-int'])(
    'registers two hundred times with qop "%s"',
    async qop => {
      const users = [{ username: 'bob', domain: '127.0.0.1', password: 'secret2' }]
      const { url, loadmodule } = await filledDatabase('sqlite', [[SUBSCRIBER_TABLE, users]])
      const proxy = await startProxy(`
      loadmodule "sl.so"\n${loadmodule}loadmodule "auth.so"\nloadmodule "auth_db.so"
      modparam("auth_db", "db_url", "${url}")
      modparam("auth_db", "calculate_ha1", 1)
      modparam("auth_db", "password_column", "password")
      route {
        if (!www_authorize("", "subscriber")) { www_challenge("", "${qop}"); exit; }
        sl_send_reply(200, "OK");
      }`)
      onTestFinished(() => proxy.stop())
      const port = String(await freePort())
      const run = sipp('register-auth', [
        `127.0.0.1:${proxy.port}`,
        '-p',
        port,
        '-m',
        String(REGISTRATIONS),
        '-r',
        '100',
      ])
      onTestFinished(() => run.end())
      const { status, output } = await run.result
      expect(status, output).toBe(0)
    },
    60_000,
  )
})
