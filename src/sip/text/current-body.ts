import type { Edits } from '../codec/edits.ts'
import type { SipMessage } from '../codec/message.ts'

/** The body as it would be sent now: as received, with the changes made to it so far. */
export function currentBody(message: SipMessage, edits: Edits): Buffer {
  return edits.newBody ?? edits.apply(message.bytes, message.bodyStart, message.bytes.length)
}
