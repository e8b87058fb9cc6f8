import type { SipMessage } from '../../sip/codec/message.ts'

/** The values of every header of this kind, in order. */
export function headerValues(message: SipMessage, id: number): string[] {
  const values: string[] = []
  for (let at = message.find(id); at >= 0; at = message.find(id, at + 1)) values.push(message.headerValue(at))
  return values
}
