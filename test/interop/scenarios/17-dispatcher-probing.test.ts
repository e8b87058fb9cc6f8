import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { branchOf, Datagrams, type Scenario, startScenario, until } from './rig.ts'

const SCRIPT = `${B4}
loadmodule "db_text.so"
loadmodule "dispatcher.so"
modparam("tm", "fr_timeout", 1)
modparam("dispatcher", "db_url", "text://@DB@")
modparam("dispatcher", "ds_ping_interval", 2)
modparam("dispatcher", "ds_probing_threshold", 2)
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_ping_from", "sip:probe@127.0.0.1")
startup_route { subscribe_event("E_DISPATCHER_STATUS", "udp:127.0.0.1:@EVENTS@"); }
route {
    if (has_totag()) route(indialog);
    if (!ds_select_dst(1, 4, "f")) { send_reply(503, "No gateways"); exit; }
    t_on_failure("next");
    t_relay();
}
failure_route[next] {
    if (t_check_status("(408)|(5[0-9][0-9])")) {
        ds_mark_dst("p");
        if (ds_next_dst()) { t_on_failure("next"); t_relay(); }
    }
}
`
const HEADER =
  'id(int,auto) setid(int) destination(string) socket(string,null) state(int) weight(int) priority(int) attrs(string) description(string)\n'

/** A gateway that answers its probes while it is up. */
class Gateway {
  readonly ua: SipUa
  isUp = true
  readonly #answered = new Set<SipMessage>()

  constructor(ua: SipUa) {
    this.ua = ua
  }

  get probes(): number {
    return this.ua.count({ method: 'OPTIONS' })
  }

  answer(): void {
    for (const message of this.ua.received)
      if (this.isUp && message.method === 'OPTIONS' && message.isRequest && !this.#answered.has(message)) {
        this.#answered.add(message)
        this.ua.reply(message, 200, 'OK')
      }
  }
}

interface Pair {
  readonly scenario: Scenario
  readonly events: Datagrams
  readonly g1: Gateway
  readonly g2: Gateway
  readonly phone: SipUa
  readonly folder: string
  /** Lets seconds pass, gateways answering. */
  pass(seconds: number): Promise<void>
  status(gateway: Gateway, status: string, reason: string): string
}

async function start(): Promise<Pair> {
  const g1 = new Gateway(await SipUa.open('g1'))
  const g2 = new Gateway(await SipUa.open('g2'))
  const phone = await SipUa.open('phone')
  const events = await Datagrams.open()
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-db-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const row = (id: number, { ua }: Gateway, text: string) =>
    `${id}:1:sip\\:127.0.0.1\\:${ua.port}:null:0:1:1:'carrier':'${text}'\n`
  writeFileSync(join(folder, 'dispatcher'), HEADER + row(1, g1, 'lb OB') + row(2, g2, 'lb IB'))
  const scenario = await startScenario(SCRIPT, { DB: folder, EVENTS: events.port })
  const pass = async (seconds: number): Promise<void> => {
    for (let ms = 0; ms < seconds * 1000; ms += 500) {
      await scenario.clock.advance(500)
      await settle(scenario, [g1, g2])
    }
  }
  const status = (gateway: Gateway, is: string, reason: string): string =>
    '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"group":1,' +
    `"address":"sip:127.0.0.1:${gateway.ua.port}","status":"${is}","reason":"${reason}"}}`
  return { scenario, events, g1, g2, phone, folder, pass, status }
}

/** Lets probes and their answers arrive before time goes on: a fresh request behind them proves it. */
async function settle({ port }: Scenario, gateways: readonly Gateway[]): Promise<void> {
  for (const { ua } of gateways) await through(ua, port)
  for (const gateway of gateways) gateway.answer()
  for (const { ua } of gateways) await through(ua, port)
}

let lastMark = 0
/** The proxy has handled what the gateway sent, and the gateway has got what the proxy sent, before this settles. */
async function through(ua: SipUa, port: number): Promise<void> {
  const callId = `mark-${lastMark++}`
  ua.send(ua.makeRequest('INFO', { callId }).replace(/^CSeq: .*$/m, 'CSeq: 1 OTHER'), port)
  await until(() => ua.received.some(message => message.callId === callId))
}

describe('scenario 17: dispatcher from db_text, probing and E_DISPATCHER_STATUS', () => {
  it('loads the table with quotes as data and a socket that is not ours', async () => {
    const { scenario, g1 } = await start()
    const listed = JSON.stringify(await scenario.mi('ds_list', { full: 1 }))
    expect(listed).toContain(
      `{"URI":"sip:127.0.0.1:${g1.ua.port}","state":"Active","first_hit_counter":0,"attr":"'carrier'","weight":1,` +
        `"priority":1,"description":"'lb OB'","resolved_addresses":["127.0.0.1:${g1.ua.port}"]}`,
    )
    expect(scenario.logged('not one of ours')).toBe(2)
    expect(scenario.logged('lacks a column')).toBe(1)
  })

  it('a gateway that does not answer goes out of service after two probes, and comes back with an answer', async () => {
    const { scenario, events, g1, g2, phone, pass, status } = await start()
    await pass(4)
    expect([g1.probes, g2.probes]).toEqual([2, 2])
    expect(headerOf(g1.ua.received.find(({ method }) => method === 'OPTIONS') as SipMessage, 'From')).toMatch(
      /^<sip:probe@127\.0\.0\.1>;tag=/,
    )
    g2.isUp = false
    await pass(6)
    expect(await events.next()).toBe(status(g2, 'inactive', 'negative probing reply'))
    expect(JSON.stringify(await scenario.mi('ds_list'))).toContain(`${g2.ua.port}","state":"Probing"`)
    for (const callId of ['one', 'two', 'three']) {
      phone.request('INVITE', scenario.port, { callId })
      g1.ua.reply(await g1.ua.nextRequest('INVITE'), 486, 'Busy Here')
      await phone.nextReply(486)
    }
    expect(g2.ua.count({ method: 'INVITE' })).toBe(0)
    g2.isUp = true
    await pass(2)
    expect(await events.next()).toBe(status(g2, 'active', '200 OK probing reply'))
    expect(events.received).toHaveLength(2)
  })

  it('ds_set_state switches off and on: no probes, 503 when nothing is left', async () => {
    const { scenario, events, g1, g2, phone, pass, status } = await start()
    const set = (state: string, { ua }: Gateway) =>
      scenario.mi('ds_set_state', { state, group: '1', address: `sip:127.0.0.1:${ua.port}` })
    expect(await set('i', g1)).toBe('OK')
    expect(await set('i', g1)).toBe('OK')
    expect(await events.next()).toBe(status(g1, 'inactive', 'MI command'))
    await pass(4)
    expect([g1.probes, g2.probes]).toEqual([0, 2])
    await set('i', g2)
    expect(await events.next()).toBe(status(g2, 'inactive', 'MI command'))
    phone.request('INVITE', scenario.port)
    expect((await phone.nextReply(503)).reason).toBe('No gateways')
    await set('a', g1)
    expect(await events.next()).toBe(status(g1, 'active', 'MI command'))
    phone.request('INVITE', scenario.port)
    await g1.ua.nextRequest('INVITE')
    expect(events.received).toHaveLength(3)
  })

  it('a call goes on at the second gateway when the first one fails; the caller sees only the second', async () => {
    const { scenario, events, g1, g2, phone } = await start()
    const invite = phone.request('INVITE', scenario.port)
    const first = await g1.ua.nextRequest('INVITE')
    g1.ua.reply(first, 500, 'Broken')
    const second = await g2.ua.nextRequest('INVITE')
    expect(second.callId).toBe(invite.callId)
    expect(branchOf(second)).not.toBe(branchOf(first))
    g2.ua.reply(second, 200, 'OK')
    expect((await phone.nextReply(200)).toTag).toBe('g2-tag')
    expect(phone.received.map(({ status }) => status).filter(status => status >= 200)).toEqual([200])
    expect(events.received).toEqual([])
  })

  it('states are written to the table file when the proxy stops', async () => {
    const { scenario, g2, folder } = await start()
    await scenario.mi('ds_set_state', { state: 'i', group: '1', address: `sip:127.0.0.1:${g2.ua.port}` })
    await scenario.proxy.stop(AbortSignal.timeout(2000))
    expect(readFileSync(join(folder, 'dispatcher'), 'utf8').split('\n')[2]).toBe(
      `2:1:sip\\:127.0.0.1\\:${g2.ua.port}:null:1:1:1:'carrier':'lb IB'`,
    )
  })
})
