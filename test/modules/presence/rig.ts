import { onTestFinished } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { roundTrip } from '../../interop/scenarios/rig.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import type { RequestOptions, SipUa } from '../../support/sip-ua.ts'
import { modparams } from '../../support/table-proxy.ts'

type Params = Readonly<Record<string, string | number>>

interface Options {
  readonly params?: Params
  /** Of presence_xml; `force_active` is 1 unless they say otherwise. */
  readonly xml?: Params
  readonly modules?: string
  readonly global?: string
  /** Of the main route, for SUBSCRIBE. */
  readonly subscribe?: string
  readonly inPlaceOf?: Pick<ProxyUnderTest, 'port' | 'folder'>
  readonly clock?: VirtualClock
}

export const PIDF = 'Content-Type: application/pidf+xml\r\n'
/** A presence document with one tuple. */
export const pidf = (id: string, basic: string, more = ''): string =>
  `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@127.0.0.1"><tuple id="${id}"><status>` +
  `<basic>${basic}</basic></status></tuple>${more}</presence>`

/** A presence server, with time that the test owns, bob who publishes and alice who watches. */
export async function presenceServer(options: Options = {}) {
  const { params = {}, xml = {}, modules = '', global = '', subscribe = 'handle_subscribe();' } = options
  const clock = options.clock ?? new VirtualClock()
  const script = `
log_level=4
${global}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
${modules}
loadmodule "presence.so"
loadmodule "presence_xml.so"
${modparams('presence', params)}${modparams('presence_xml', { force_active: 1, ...xml })}
route {
    if (is_method("PUBLISH")) { handle_publish("$fu"); exit; }
    if (is_method("SUBSCRIBE")) { ${subscribe} exit; }
    sl_send_reply(405, "Method Not Allowed");
}
`
  const { inPlaceOf } = options
  const started = await startProxy(script, { clock, ...(inPlaceOf === undefined ? {} : { inPlaceOf }) })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    // Time stands still, so what a test left unanswered would be waited for in vain.
    await started.proxy.stop(AbortSignal.abort())
    await started.stop()
  }
  onTestFinished(stop)
  const { port, proxy, log } = started
  const events: { readonly method: string; readonly params: Readonly<Record<string, unknown>> }[] = []
  proxy.host.bus.tail(event => void events.push(JSON.parse(jsonRpc.encode(event).toString())))
  return {
    ...started,
    stop,
    clock,
    port,
    log,
    mi: (command: string, args?: unknown): Promise<unknown> => proxy.host.mi.call(command, args),
    publish: (ua: SipUa, headers: string, body = '', more: RequestOptions = {}): SipMessage =>
      ua.request('PUBLISH', port, { headers, body, ...more }),
    subscribe: (ua: SipUa, headers = 'Event: presence\r\n', more: RequestOptions = {}): SipMessage =>
      ua.request('SUBSCRIBE', port, { headers, ...more }),
    logged: (part: string): number => log.filter(line => line.includes(part)).length,
    /** Events raised since the last call. */
    raised: () => events.splice(0),
  }
}

const answered = new WeakMap<SipUa, Set<string>>()

/** The next NOTIFY that is no repetition, answered with this status. */
export async function notified(ua: SipUa, status = 200): Promise<SipMessage> {
  const seen = answered.get(ua) ?? new Set()
  answered.set(ua, seen)
  for (;;) {
    const notify = await ua.nextRequest('NOTIFY')
    ua.reply(notify, status, 'Answer')
    const id = `${notify.callId} ${notify.cseq}`
    if (seen.has(id)) continue
    seen.add(id)
    // The proxy has the answer before time goes on.
    await roundTrip(ua, notify.topVia?.port ?? 0)
    return notify
  }
}
