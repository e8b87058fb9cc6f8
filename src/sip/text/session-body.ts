import type { Edits } from '../codec/edits.ts'
import { HeaderId } from '../codec/header-id.ts'
import type { SipMessage } from '../codec/message.ts'
import { currentBody } from './current-body.ts'
import { bodyParts, boundaryOf, joinParts } from './multipart.ts'

const SDP = 'application/sdp'

/** The session description of a message with all changes made so far, alone or in a multipart body; null without. */
export function readSession(message: SipMessage, edits: Edits): Buffer | null {
  const parts = bodyParts(message.value(HeaderId.contentType) ?? '', currentBody(message, edits))
  return parts.find(part => part.mime === SDP)?.content ?? null
}

/** Puts another session description where {@link readSession} found one. */
export function writeSession(message: SipMessage, edits: Edits, content: Buffer): void {
  const type = message.value(HeaderId.contentType) ?? ''
  const boundary = boundaryOf(type)
  if (boundary === null) {
    edits.setBody(content)
    return
  }
  const parts = bodyParts(type, currentBody(message, edits))
  const at = parts.findIndex(part => part.mime === SDP)
  const changed = parts.map((part, i) => (i === at ? { ...part, content } : part))
  edits.setBody(joinParts(changed, boundary))
}
