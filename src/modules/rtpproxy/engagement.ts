import type { RouteContext } from '../../script/context.ts'
import { readSession } from '../../sip/text/session-body.ts'
import { callWords } from './call-parties.ts'
import { type Half, type Negotiated, type Negotiation, negotiate } from './negotiation.ts'
import type { RtpProxyNode } from './node.ts'
import type { RtpProxyServices } from './services.ts'

type DialogApi = NonNullable<RtpProxyServices['dialog']>
type Dialog = NonNullable<ReturnType<DialogApi['current']>>

/** Under this name the values of a dialog hold what was engaged. */
const ENGAGED_VALUE = 'rtpproxy_engaged'

/** A call whose descriptions all go through an RTP proxy by themselves. */
interface Engaged {
  readonly wanted: Negotiation
  node: RtpProxyNode | null
}

/** What `rtpproxy_engage()` has begun, until the call ends. */
export class Engagements {
  readonly #services: RtpProxyServices
  readonly #dialog: DialogApi
  readonly #calls = new WeakMap<Dialog, Engaged>()

  constructor(services: RtpProxyServices, dialog: DialogApi, tm: NonNullable<RtpProxyServices['tm']>) {
    this.#services = services
    this.#dialog = dialog
    tm.onReplyRouted((t, _, reply) => this.#takeReply(t.request, reply))
    dialog.onWithin(m => this.#takeRequest(m))
    dialog.onEnded(ended => this.#end(ended))
  }

  /**
   * Begins with the INVITE of a call. What was negotiated; null where the INVITE offers nothing yet; false where it
   * cannot be done, or was done before.
   */
  async engage(m: RouteContext, wanted: Negotiation): Promise<Negotiated | null | false> {
    const dialog = this.#dialog.current(m) ?? this.#dialog.create(m)
    if (dialog === null || this.#calls.has(dialog)) return false
    const engaged: Engaged = { wanted, node: null }
    const result = hasSession(m) ? await this.#negotiate(engaged, m, 'offer') : null
    if (result === null && hasSession(m)) return false
    // A caller that gave up while the RTP proxy was waited for has no use for its streams.
    if (dialog.endedMs !== 0) this.#release(dialog, engaged)
    else this.#keep(dialog, engaged)
    return result
  }

  /** With the dialog too, whose values outlive a restart where it is kept in a database. */
  #keep(dialog: Dialog, engaged: Engaged): void {
    this.#calls.set(dialog, engaged)
    const { flags, address, setId } = engaged.wanted
    dialog.values.set(ENGAGED_VALUE, JSON.stringify({ flags, address, setId, url: engaged.node?.url ?? null }))
  }

  #engagedIn(dialog: Dialog): Engaged | undefined {
    const known = this.#calls.get(dialog)
    const kept = dialog.values.get(ENGAGED_VALUE)
    if (known !== undefined || typeof kept !== 'string') return known
    const engaged = readEngaged(kept, (url, setId) => this.#services.sets.find(url, setId)[0] ?? null)
    if (engaged !== undefined) this.#calls.set(dialog, engaged)
    return engaged
  }

  /** A re-INVITE or UPDATE offers; an ACK answers what a 2xx offered. */
  #takeRequest(m: RouteContext): void | Promise<void> {
    const engaged = this.#engaged(m)
    if (engaged === undefined || !hasSession(m)) return
    return this.#negotiate(engaged, m, m.message.method === 'ACK' ? 'answer' : 'offer').then(() => {})
  }

  #takeReply(request: RouteContext, reply: RouteContext): void | Promise<void> {
    const engaged = this.#engaged(request)
    const { status, cseqMethod } = reply.message
    if (engaged === undefined || cseqMethod === 'CANCEL' || status <= 100 || status >= 300 || !hasSession(reply)) return
    const isAnswer = readSession(request.message, request.edits) !== null
    return this.#negotiate(engaged, reply, isAnswer ? 'answer' : 'offer').then(() => {})
  }

  async #negotiate(engaged: Engaged, m: RouteContext, half: Half): Promise<Negotiated | null> {
    const result = await negotiate(this.#services, m, half, { ...engaged.wanted, node: engaged.node })
    if (result === null) return null
    const isFirst = engaged.node === null
    engaged.node = result.node
    const dialog = isFirst ? this.#dialog.link(m)?.dialog : undefined
    if (dialog !== undefined && this.#calls.has(dialog)) this.#keep(dialog, engaged)
    return result
  }

  #end(dialog: Dialog): void {
    const engaged = this.#engagedIn(dialog)
    dialog.values.delete(ENGAGED_VALUE)
    this.#calls.delete(dialog)
    if (engaged !== undefined) this.#release(dialog, engaged)
  }

  #release(dialog: Dialog, { node }: Engaged): void {
    const { callId, caller } = dialog.origin
    void node?.ask(`D ${callWords({ callId, first: caller.tag, second: dialog.toTag })}`)
  }

  #engaged(m: RouteContext): Engaged | undefined {
    const dialog = this.#dialog.link(m)?.dialog
    return dialog === undefined ? undefined : this.#engagedIn(dialog)
  }
}

function hasSession(m: RouteContext): boolean {
  return readSession(m.message, m.edits) !== null
}

function readEngaged(
  text: string,
  find: (url: string, setId: number | null) => RtpProxyNode | null,
): Engaged | undefined {
  try {
    const { flags, address, setId, url } = JSON.parse(text)
    if (typeof flags !== 'object' || flags === null) return undefined
    const wanted: Negotiation = { flags, address, setId, node: null }
    return { wanted, node: typeof url === 'string' ? find(url, setId) : null }
  } catch {
    return undefined
  }
}
