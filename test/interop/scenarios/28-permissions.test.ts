import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { tableFolder } from '../../support/table-files.ts'
import { B4 } from './base-scripts.ts'
import { expectNothingLeft, startScenario } from './rig.ts'

const script = (group: number) => `${B4}
loadmodule "db_text.so"
loadmodule "permissions.so"
modparam("permissions", "db_url", "text://@DB@")
route {
    if (!check_source_address(${group}, $avp(ctx))) { xlog("code $rc\\n"); send_reply(403, "Forbidden"); exit; }
    send_reply(200, "$avp(ctx)");
}
`

const COLUMNS =
  'id(int,auto) grp(int) ip(string) mask(int) port(int) proto(string) pattern(string,null) context_info(string,null)\n'

async function start(group: number) {
  const { folder, write } = tableFolder()
  write('version', 'table_name(string) table_version(int)\naddress:5\n')
  // As the word stands there it is no NULL, but a pattern; a call without a text to match passes over it.
  write('address', `${COLUMNS}1:1:127.0.0.9:32:0:any:null:trunk\n`)
  const scenario = await startScenario(script(group), { DB: folder })
  const status = async (address: string): Promise<string> => {
    const ua = await SipUa.open('gateway', 'udp', address)
    const { callId } = ua.request('OPTIONS', scenario.port)
    while (!ua.received.some(message => message.callId === callId)) await new Promise(resolve => setImmediate(resolve))
    return `${ua.received[0]?.status} ${ua.received[0]?.reason}`
  }
  return { scenario, write, status }
}

describe('scenario 28: address permissions', () => {
  it('the address of the table passes with its context, others get 403', async () => {
    const { scenario, status } = await start(1)
    expect([await status('127.0.0.9'), await status('127.0.0.8')]).toEqual(['200 trunk', '403 Forbidden'])
    expect(scenario.logged('code -1')).toBe(1)
    await expectNothingLeft(scenario)
  })

  it('an edited file counts after dbt_reload and address_reload', async () => {
    const { scenario, write, status } = await start(1)
    write('address', `${COLUMNS}1:1:127.0.0.8:32:0:any::other\n`)
    expect(await scenario.mi('address_reload')).toBe('OK')
    expect(await status('127.0.0.8')).toBe('403 Forbidden')
    expect(await scenario.mi('dbt_reload')).toBe('OK')
    expect(await scenario.mi('address_reload')).toBe('OK')
    expect([await status('127.0.0.9'), await status('127.0.0.8')]).toEqual(['403 Forbidden', '200 other'])
  })

  it('a group that is not there is −2, which is false', async () => {
    const { scenario, status } = await start(7)
    expect(await status('127.0.0.9')).toBe('403 Forbidden')
    expect(scenario.logged('code -2')).toBe(1)
  })
})
