import type { RouteContext } from '../../script/context.ts'
import type { RtpProxyServices } from './services.ts'

/** What a command names a call by. */
export interface CallParties {
  readonly callId: string
  /** Tag of the side that makes the offer, or asks. */
  readonly first: string
  /** Tag of the other side; '' while there is none. */
  readonly second: string
}

/** Blanks and control characters would end a word of a command and begin another. */
const UNSAFE = /[^\x21-\x7e\x80-\xff]/

/**
 * Call and parties of a message, the side it comes from first; of a reply, that of the request it answers. Null where
 * they cannot be written into a command.
 */
export function partiesOf({ dialog }: Pick<RtpProxyServices, 'dialog'>, m: RouteContext): CallParties | null {
  const { message } = m
  const callId = dialog?.current(m)?.origin.callId ?? m.request?.message.callId ?? message.callId
  const parties = { callId, first: message.fromTag, second: message.toTag }
  return callId === '' || UNSAFE.test(callId + parties.first + parties.second) ? null : parties
}

/** With the sides in the other order. */
export const turned = ({ callId, first, second }: CallParties): CallParties => ({
  callId,
  first: second,
  second: first,
})

/** The end of a command: `callid first [second]`. */
export function callWords({ callId, first, second }: CallParties): string {
  return second === '' ? `${callId} ${first}` : `${callId} ${first} ${second}`
}
