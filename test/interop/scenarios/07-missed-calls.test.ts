import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../../cli/scripts.ts'
import { createTables } from '../../modules/acc/database-rig.ts'
import { Call } from '../../modules/dialog/call-rig.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { Datagrams, register, startScenario, until } from './rig.ts'

const SCRIPT = `${B4}
loadmodule "db_text.so"
loadmodule "acc.so"
modparam("acc", "db_url", "text://@DB@")
startup_route {
    subscribe_event("E_ACC_MISSED_EVENT", "udp:127.0.0.1:@EVENTS@");
}
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if (!is_method("INVITE")) { send_reply(405, "Method Not Allowed"); exit; }
    record_route();
    do_accounting("log|db|evi", "missed");
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    t_relay();
}
`

describe('scenario 7: missed calls in the log, in a database and as events', () => {
  it('a busy callee is one of each, and no answered transaction; an answered call is no missed one', async () => {
    const database = join(testFolder(), 'accdb')
    await createTables(`text://${database}`, 'acc', 'missed_calls')
    const events = await Datagrams.open()
    const scenario = await startScenario(SCRIPT, { DB: database, EVENTS: events.port })
    const parties = { alice: await SipUa.open('alice'), bob: await SipUa.open('bob'), proxy: scenario }
    await register(parties.bob, scenario.port)
    const busy = await new Call(parties, 'busy').begin()
    parties.bob.reply(busy.arrived, 486, 'Busy Here', { toTag: 'busy-b' })
    parties.alice.ack(busy.invite, await parties.alice.nextReply(486), scenario.port)
    const { method, params } = await events.nextEvent()
    expect(method).toBe('E_ACC_MISSED_EVENT')
    expect(Object.keys(params)).toEqual([
      'method',
      'from_tag',
      'to_tag',
      'callid',
      'sip_code',
      'sip_reason',
      'time',
      'setuptime',
      'created',
    ])
    const line = scenario.log.find(text => text.includes('ACC: call missed: timestamp='))
    expect(line).toContain(';code=486;reason=Busy Here')

    const rowsOf = async (table: string): Promise<readonly string[]> => {
      await until(() => scenario.stat('db_queued') === 0)
      expect(await scenario.mi('dbt_dump')).toBe('OK')
      return readFileSync(join(database, table), 'utf8').trim().split('\n').slice(1)
    }
    expect(await rowsOf('acc')).toEqual([])
    expect(await rowsOf('missed_calls')).toEqual([expect.stringMatching(/^1:INVITE:busy-a:busy-b:busy:486:Busy Here:/)])

    await (await new Call(parties, 'fine').establish()).hangUp()
    await until(() => scenario.logged('ACC: transaction answered: ') === 1)
    expect(await rowsOf('acc')).toEqual([expect.stringMatching(/^1:INVITE:fine-a:fine-b:fine:200:OK:\d+:0:0:0:\d+:$/)])
    expect(await rowsOf('missed_calls')).toHaveLength(1)
  })
})
