import { describe, expect, it } from 'vitest'
import { LOAD_BALANCER_TABLE } from '../../../src/modules/load_balancer/table-source.ts'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { tableFile, tableFolder } from '../../support/table-files.ts'
import { B4 } from './base-scripts.ts'
import { callerRoute, Datagrams, roundTrip, startScenario, until } from './rig.ts'

const SCRIPT = `${B4}
loadmodule "dialog.so"
loadmodule "db_text.so"
loadmodule "load_balancer.so"
modparam("load_balancer", "db_url", "text://@DB@")
startup_route { subscribe_event("E_LOAD_BALANCER_STATUS", "udp:127.0.0.1:@EVENTS@"); }
route {
    if (has_totag()) route(indialog);
    create_dialog();
    record_route();
    if (!lb_start(1, "voicemail")) { send_reply(500, "Full"); exit; }
    t_relay();
}
`

async function start() {
  const g1 = await SipUa.open('g1')
  const g2 = await SipUa.open('g2')
  const phone = await SipUa.open('phone')
  const events = await Datagrams.open()
  const { folder, write } = tableFolder()
  const uri = ({ port }: SipUa) => `sip:127.0.0.1:${port}`
  const rows = [
    { id: 11, group_id: 1, dst_uri: uri(g1), resources: 'voicemail=2' },
    { id: 12, group_id: 1, dst_uri: uri(g2), resources: 'voicemail=1' },
  ]
  write('load_balancer', tableFile(LOAD_BALANCER_TABLE, rows))
  const scenario = await startScenario(SCRIPT, { DB: folder, EVENTS: events.port })
  /** A call that is answered; gives what its BYE needs. */
  const call = async (at: SipUa, callId: string): Promise<SipMessage> => {
    phone.request('INVITE', scenario.port, { callId, fromTag: 'f' })
    at.reply(await at.nextRequest('INVITE'), 200, 'OK')
    const ok = await phone.nextReply(200, 'INVITE')
    phone.request('ACK', scenario.port, { callId, fromTag: 'f', ...callerRoute(ok) })
    await at.nextRequest('ACK')
    return ok
  }
  const loads = async (): Promise<readonly string[]> => {
    const { Destinations } = (await scenario.mi('lb_list')) as {
      Destinations: readonly { id: number; Resources: readonly { name: string; max: number; load: number }[] }[]
    }
    return Destinations.flatMap(({ id, Resources }) => Resources.map(({ max, load }) => `${id}: ${load}/${max}`))
  }
  return { scenario, g1, g2, phone, events, call, loads, uri }
}

describe('scenario 18: load balancer and lb_resize', () => {
  it('calls go where most is left, the first row on a tie, and 500 when everything is full', async () => {
    const { scenario, g1, g2, phone, call, loads } = await start()
    await call(g1, 'one')
    await call(g1, 'two')
    await call(g2, 'three')
    phone.request('INVITE', scenario.port, { callId: 'four' })
    expect((await phone.nextReply(500)).reason).toBe('Full')
    expect(await loads()).toEqual(['11: 2/2', '12: 1/1'])
  })

  it('lb_resize makes room, a BYE frees it, lb_reload keeps loads and resets capacities', async () => {
    const { scenario, g1, g2, phone, call, loads } = await start()
    const first = await call(g1, 'one')
    await call(g1, 'two')
    await call(g2, 'three')
    expect(await scenario.mi('lb_resize', { destination_id: 11, res_name: 'voicemail', new_capacity: 56 })).toBe('OK')
    await call(g1, 'five')
    expect(await loads()).toEqual(['11: 3/56', '12: 1/1'])
    phone.request('BYE', scenario.port, { callId: 'one', fromTag: 'f', cseq: 2, ...callerRoute(first) })
    g1.reply(await g1.nextRequest('BYE'), 200, 'OK')
    await phone.nextReply(200, 'BYE')
    expect(await loads()).toEqual(['11: 2/56', '12: 1/1'])
    expect(await scenario.mi('lb_reload')).toBe('OK')
    expect(await loads()).toEqual(['11: 2/2', '12: 1/1'])
  })

  it.each([
    ['11', 'fax', 'Destination has no such resource'],
    ['99', 'voicemail', 'Destination ID not found'],
  ])('lb_resize %s %s is refused', async (id, resource, message) => {
    const { scenario } = await start()
    const resized = scenario.mi('lb_resize', { destination_id: id, res_name: resource, new_capacity: '3' })
    await expect(resized).rejects.toMatchObject({ code: 404, message })
  })

  it('lb_status 12 0 raises E_LOAD_BALANCER_STATUS, once', async () => {
    const { scenario, events, phone, g2, uri } = await start()
    for (let i = 0; i < 2; i++) expect(await scenario.mi('lb_status', { destination_id: 12, new_status: 0 })).toBe('OK')
    await roundTrip(phone, scenario.port)
    await until(() => events.received.length > 0)
    expect(events.received).toEqual([
      `{"jsonrpc":"2.0","method":"E_LOAD_BALANCER_STATUS","params":{"group":1,"uri":"${uri(g2)}","status":"disabled"}}`,
    ])
    expect(await scenario.mi('lb_status', { destination_id: 12 })).toEqual({ enable: 'no' })
  })
})
