import { randomBytes } from 'node:crypto'
import type { Host } from '../../module/define.ts'
import { BAD_ADDRESS, FILTERED, SEND_FAILED } from '../../proxy/forward.ts'
import { statelessTag } from '../../proxy/via.ts'
import { messageSlot, type RouteContext, type Verdict } from '../../script/context.ts'
import { failurePhrase, failureReply, type LocalFailure } from '../../sip/tx/failure-reply.ts'
import { redirectContacts } from '../../sip/tx/redirect.ts'
import type { Clock } from '../../util/clock.ts'
import type { Counter } from '../../util/spec.ts'

/** How long after the last reply an ACK is still taken for the ACK of one (sl reference). */
const ACK_WINDOW_MS = 2000

/** Set on a request that has had a final reply from here. */
const answeredSlot = messageSlot<true>()

type Statistics = Readonly<
  Record<`${1 | 2 | 3 | 4 | 5 | 6}xx_replies` | 'sent_replies' | 'sent_err_replies' | 'received_ACKs', Counter>
>

/** Answers requests statelessly and recognises the ACKs of such answers by their To tag. */
export class StatelessReplies {
  readonly #proxy: Host['proxy']
  readonly #clock: Clock
  readonly #stats: Statistics
  readonly #salt = randomBytes(8).toString('hex')
  #lastSentMs = Number.NEGATIVE_INFINITY

  constructor(parts: { proxy: Host['proxy']; clock: Clock; stats: Statistics }) {
    this.#proxy = parts.proxy
    this.#clock = parts.clock
    this.#stats = parts.stats
  }

  /** The To tag of replies to this request: the same each time it is computed (RFC 3261 §8.2.7). */
  toTag(m: RouteContext): string {
    return statelessTag(m.message, this.#salt)
  }

  /** Sends a reply: 1 sent, or nothing since an ACK is never answered; −1 it cannot be answered. */
  send(m: RouteContext, status: number, reason: string): Verdict {
    if (m.message.method === 'ACK') return 1
    if (status < 100 || status > 699) return -1
    const isRedirect = status >= 300 && status < 400
    const toTag = status >= 180 ? this.toTag(m) : ''
    const headers = isRedirect ? redirectContacts(m.message.requestUri, m.target, m.branches) : ''
    if (!this.#proxy.reply(m, { status, reason, toTag, headers })) return -1
    if (status >= 200) answeredSlot.set(m, true)
    this.#lastSentMs = this.#clock.monotonicMs()
    this.#count(status)
    return 1
  }

  /**
   * Sends what is owed for a failure: the one recorded, or what the last statement's code tells of. Nothing where that
   * statement has sent a final reply itself, as `save()` does: a request gets one (RFC 3261 §8.2.7).
   */
  sendError(m: RouteContext, recorded: LocalFailure | null): Verdict {
    if (answeredSlot.get(m) === true) return -1
    const reply = failureReply(recorded ?? failureOfCode(m.rc))
    const verdict = this.send(m, reply.status, failurePhrase(reply, 'SL'))
    if (verdict > 0) this.#stats.sent_err_replies.value++
    return verdict
  }

  /** Whether the request is the ACK of such a reply, which then goes no further (RFC 3261 §8.2.7). */
  absorbAck(m: RouteContext): boolean {
    if (m.message.method !== 'ACK') return false
    if (this.#clock.monotonicMs() - this.#lastSentMs > ACK_WINDOW_MS) return false
    if (m.message.toTag !== this.toTag(m)) return false
    this.#stats.received_ACKs.value++
    return true
  }

  #count(status: number): void {
    this.#stats.sent_replies.value++
    if (status < 200) this.#stats['1xx_replies'].value++
    else if (status < 300) this.#stats['2xx_replies'].value++
    else if (status < 400) this.#stats['3xx_replies'].value++
    else if (status < 500) this.#stats['4xx_replies'].value++
    else if (status < 600) this.#stats['5xx_replies'].value++
    else this.#stats['6xx_replies'].value++
  }
}

/** The codes of stateless forwarding; any other code says nothing about the cause. */
function failureOfCode(code: number): LocalFailure {
  if (code === BAD_ADDRESS) return 'unresolvable'
  if (code === SEND_FAILED) return 'send-failed'
  if (code === FILTERED) return 'filtered'
  return 'internal'
}
