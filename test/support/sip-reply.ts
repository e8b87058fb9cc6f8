import type { SipMessage } from '../../src/sip/codec/message.ts'

/** A reply to a request, with its Vias and Record-Routes. */
export function replyTo(request: SipMessage, status: number, reason: string): string {
  let copied = ''
  for (let i = 0; i < request.headerCount; i++)
    if (/^(via|record-route|from|call-id|cseq)$/i.test(request.headerName(i)))
      copied += `${request.headerName(i)}: ${request.headerValue(i)}\r\n`
  const to = request.headerValue(request.findNamed('To'))
  return `SIP/2.0 ${status} ${reason}\r\n${copied}To: ${to};tag=callee\r\nContent-Length: 0\r\n\r\n`
}
