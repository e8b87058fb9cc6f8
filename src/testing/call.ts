import type { SipMessage } from '../sip/codec/message.ts'
import { headerOf } from './message-text.ts'

/** A call as one of its ends knows it (RFC 3261 §12). */
export class Call {
  readonly callId: string
  /** From and To of this end's requests, with tags as far as they are known. */
  readonly local: string
  remote: string
  /** Where requests go: the other end's Contact. */
  target: string
  /** Route values, nearest first. */
  routes: readonly string[] = []
  cseq: number
  /** The INVITE that began it. */
  readonly invite: SipMessage
  readonly isCaller: boolean
  isUp = false

  private constructor(invite: SipMessage, isCaller: boolean, local: string, remote: string) {
    this.invite = invite
    this.isCaller = isCaller
    this.callId = invite.callId
    this.local = local
    this.remote = remote
    this.target = isCaller ? invite.requestUri : contactOf(invite)
    this.cseq = isCaller ? invite.cseq : 0
  }

  /** Of the end that sends the INVITE. */
  static begun(invite: SipMessage): Call {
    return new Call(invite, true, headerOf(invite, 'From'), headerOf(invite, 'To'))
  }

  /** Of the end that replies to it with this To tag. */
  static received(invite: SipMessage, toTag: string): Call {
    const to = headerOf(invite, 'To')
    const call = new Call(invite, false, invite.toTag === '' ? `${to};tag=${toTag}` : to, headerOf(invite, 'From'))
    call.routes = invite.recordRoutes.map(written)
    return call
  }

  /** Learns from a reply to the INVITE who answers, and by which way (RFC 3261 §12.1.2). */
  learn(reply: SipMessage): void {
    if (reply.toTag === '') return
    this.remote = headerOf(reply, 'To')
    this.target = contactOf(reply) || this.target
    this.routes = reply.recordRoutes.map(written).toReversed()
    this.isUp ||= reply.status >= 200
  }
}

function contactOf(message: SipMessage): string {
  const { contacts } = message
  return contacts === null || contacts === '*' ? '' : (contacts[0]?.uri ?? '')
}

const written = ({ uri }: { readonly uri: string }): string => `<${uri}>`
