import { onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import type { Clock } from '../../../src/util/clock.ts'
import type { Value } from '../../../src/util/spec.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { headersOf, SipUa } from '../../support/sip-ua.ts'

/** An event as its consumers see it: its name, then its parameters in order. */
export type SeenEvent = readonly [name: string, params: Readonly<Record<string, Value>>]

interface CallScript {
  /** Global settings, `loadmodule` and `modparam` lines beside the usual ones. */
  readonly head?: string
  /** Statements for the INVITE that begins a call; the destination is set and it is sent on afterwards. */
  readonly invite: string
  /** Statements for requests inside the call, after loose_route(). */
  readonly inside?: string
  /** Statements for every request, before anything else. */
  readonly before?: string
  /** Statements for CANCEL, before it is sent on. */
  readonly cancel?: string
  /** Further routes. */
  readonly routes?: string
  readonly clock?: Clock
  /** Nobody hears its events, the rig neither. */
  readonly isUnheard?: boolean
}

/** A proxy with dialog and acc between two phones. */
export interface CallRig {
  readonly proxy: ProxyUnderTest
  readonly alice: SipUa
  readonly bob: SipUa
  /** Every E_DLG and E_ACC event so far. */
  readonly events: readonly SeenEvent[]
  /** Waits for an event of this name, the `count`th. */
  event(name: string, count?: number): Promise<Readonly<Record<string, Value>>>
  statistic(name: string): number
  mi(command: string, params?: unknown): Promise<unknown>
  /** Stops the proxy, its calls cut off where they are, and starts another one in its place. `head` is another one then. */
  restart(head?: string): Promise<void>
  /** Waits until something is so. */
  until(what: string, isSo: () => boolean): Promise<void>
}

/** Starts the proxy and the phones. All is stopped at the end of the test. */
export async function callRig({
  head = '',
  invite,
  inside = '',
  cancel = '',
  before = '',
  routes = '',
  clock,
  isUnheard = false,
}: CallScript): Promise<CallRig> {
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  const script = (head: string): string => `
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "acc.so"
${head}
route {
  ${before}
  if (has_totag()) {
    if (!loose_route()) { if (is_method("ACK") && t_check_trans()) t_relay(); exit; }
    ${inside}
    t_relay(); exit;
  }
  if (is_method("CANCEL")) { ${cancel} if (t_check_trans()) t_relay(); exit; }
  if (is_method("INVITE")) {
    record_route();
    ${invite}
    $du = "sip:127.0.0.1:${bob.port}";
    t_relay(); exit;
  }
  sl_send_reply(405, "Method Not Allowed");
}
${routes}`
  const options = clock === undefined ? {} : { clock }
  const first = await startProxy(script(head), options)
  let proxy = first
  onTestFinished(() => first.stop())
  onTestFinished(() => proxy.proxy.stop(AbortSignal.timeout(2_000)))
  const events: SeenEvent[] = []
  const listen = () =>
    proxy.proxy.host.bus.tail(event => {
      if (/^E_(DLG|ACC)_/.test(event.name))
        events.push([
          event.name,
          Object.fromEntries((event.names ?? []).map((name, i) => [name, event.values[i] ?? null])),
        ])
    })
  if (!isUnheard) listen()
  const until = async (what: string, isSo: () => boolean): Promise<void> => {
    const deadlineMs = performance.now() + 10_000
    while (!isSo()) {
      if (performance.now() > deadlineMs)
        throw new Error(`waited in vain for ${what}; events: ${JSON.stringify(events)}\n${proxy.log.join('')}`)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const named = (name: string) => events.filter(([seen]) => seen === name)
  return {
    get proxy() {
      return proxy
    },
    alice,
    bob,
    events,
    event: async (name, count = 1) => {
      await until(`${name} no. ${count}`, () => named(name).length >= count)
      return named(name)[count - 1]![1]
    },
    statistic: name => proxy.proxy.host.stats.find(name)?.read() ?? Number.NaN,
    mi: (command, params) => proxy.proxy.host.mi.call(command, params ?? {}),
    restart: async newHead => {
      await proxy.proxy.stop(AbortSignal.abort())
      proxy = await startProxy(script(newHead ?? head), { ...options, inPlaceOf: first })
      if (!isUnheard) listen()
    },
    until,
  }
}

/** Both phones answer the BYE they get. */
export async function answerByes(rig: CallRig): Promise<void> {
  const before = rig.statistic('tm:received_replies')
  for (const phone of [rig.alice, rig.bob]) phone.reply(await phone.nextRequest('BYE'), 200, 'OK')
  await rig.until('the answers to both BYEs', () => rig.statistic('tm:received_replies') >= before + 2)
}

/** Who a call is between. */
export interface Parties {
  readonly alice: SipUa
  readonly bob: SipUa
  readonly proxy: Pick<ProxyUnderTest, 'port'>
}

/** A call from alice to bob, step by step. */
export class Call {
  readonly rig: Parties
  readonly callId: string
  readonly headers: string
  readonly body: string
  /** Request-URI; the usual one if absent. */
  readonly uri: string | undefined
  invite!: SipMessage
  /** As it reached bob. */
  arrived!: SipMessage
  answer!: SipMessage
  /** CSeq numbers last used. */
  aliceCseq = 1
  bobCseq = 0

  constructor(rig: Parties, callId: string, options: { headers?: string; body?: string; uri?: string } = {}) {
    this.rig = rig
    this.callId = callId
    this.headers = options.headers ?? ''
    this.body = options.body ?? ''
    this.uri = options.uri
  }

  get port(): number {
    return this.rig.proxy.port
  }

  async begin(): Promise<this> {
    const { alice, bob } = this.rig
    const { callId, headers, body, uri } = this
    const more = uri === undefined ? {} : { uri }
    this.invite = alice.request('INVITE', this.port, { callId, fromTag: `${callId}-a`, headers, body, ...more })
    this.arrived = await bob.nextRequest('INVITE')
    return this
  }

  async ring(): Promise<this> {
    this.rig.bob.reply(this.arrived, 180, 'Ringing', { toTag: `${this.callId}-b` })
    await this.rig.alice.nextReply(180)
    return this
  }

  async accept(body = ''): Promise<this> {
    const headers = body === '' ? '' : 'Content-Type: application/sdp\r\n'
    this.rig.bob.reply(this.arrived, 200, 'OK', { toTag: `${this.callId}-b`, headers, body })
    this.answer = await this.rig.alice.nextReply(200, 'INVITE')
    return this
  }

  /** ACK along the Route set. */
  async acknowledge(): Promise<this> {
    this.fromAlice('ACK', this.aliceCseq)
    await this.rig.bob.nextRequest('ACK')
    return this
  }

  /** INVITE, 180, 200, ACK. */
  async establish(): Promise<this> {
    await this.begin()
    await this.ring()
    await this.accept()
    return this.acknowledge()
  }

  /** A request of alice inside the call. */
  fromAlice(method: string, cseq = ++this.aliceCseq, headers = ''): SipMessage {
    // Proxies before ours have taken their own Routes out.
    const route = headersOf(this.answer, 'Record-Route')
      .filter(value => value.includes(`:${this.port};`))
      .reverse()
      .map(value => `Route: ${value}\r\n`)
      .join('')
    return this.rig.alice.request(method, this.port, {
      uri: this.rig.bob.uri,
      callId: this.callId,
      fromTag: `${this.callId}-a`,
      toTag: `${this.callId}-b`,
      cseq,
      headers: route + headers,
    })
  }

  /** A request of bob inside the call. */
  fromBob(method: string, cseq = ++this.bobCseq, headers = ''): SipMessage {
    const { alice, bob } = this.rig
    const route = headersOf(this.arrived, 'Record-Route')
      .map(value => `Route: ${value}\r\n`)
      .join('')
    return bob.request(method, this.port, {
      uri: alice.uri,
      to: 'sip:alice@127.0.0.1',
      callId: this.callId,
      fromTag: `${this.callId}-b`,
      toTag: `${this.callId}-a`,
      cseq,
      headers: route + headers,
    })
  }

  /** Alice hangs up. */
  async hangUp(): Promise<this> {
    this.fromAlice('BYE')
    this.rig.bob.reply(await this.rig.bob.nextRequest('BYE'), 200, 'OK')
    await this.rig.alice.nextReply(200, 'BYE')
    return this
  }
}
