import { Edits, removeElement } from '../../src/sip/codec/edits.ts'
import { frame } from '../../src/sip/codec/frame.ts'
import { SipMessage } from '../../src/sip/codec/message.ts'
import type { Params } from '../../src/sip/codec/params.ts'
import { parseUri, sameUri } from '../../src/sip/codec/uri.ts'
import { prefixUser, setHost, setPort, stripUser } from '../../src/sip/codec/uri-edit.ts'
import { buildAck, buildCancel, buildReply, forwardReply, forwardRequest } from '../../src/sip/codec/write.ts'

const LIMITS = { maxHeaderBytes: 65_536, maxMessageBytes: 65_536 }

/** What the writers made of one message, in bytes. */
export interface Exercised {
  readonly message: SipMessage
  readonly written: number
}

/** Reads everything there is to read of the bytes, and writes everything there is to write. Null when they are no SIP. */
export function exercise(bytes: Buffer): Exercised | null {
  frame(bytes, 0, bytes.length, LIMITS)
  const message = SipMessage.parse(bytes)
  if (message === null) return null
  readAll(message)
  return { message, written: writeAll(message) }
}

function readAll(message: SipMessage): void {
  const { fault, answerable, method, status, reason, callId, cseq, cseqMethod, maxForwards, body } = message
  void [fault, answerable, method, status, reason, callId, cseq, cseqMethod, maxForwards, body, message.fromTag]
  for (let i = 0; i < message.headerCount; i++) {
    void [message.headerName(i), message.headerValue(i), message.headerId(i), message.headerEnd(i)]
  }
  message.findNamed('x-not-there')
  const addresses = [message.from, message.to, ...message.routes, ...message.recordRoutes]
  if (Array.isArray(message.contacts)) addresses.push(...message.contacts)
  for (const address of addresses) {
    if (address === null) continue
    readParams(address.params)
    readUri(address.uri)
  }
  readUri(message.requestUri)
  for (const via of message.vias) readParams(via.params)
}

function readParams(params: Params): void {
  for (const [name] of params.entries()) void params.get(name)
  void [params.malformed, params.size]
}

function readUri(text: string): void {
  const uri = parseUri(text)
  if (uri !== null) readParams(uri.params)
  sameUri(text, 'sip:alice@example.com;transport=tcp')
  void [setHost(text, 'example.org'), setPort(text, '5062'), prefixUser(text, '9'), stripUser(text, 2)]
}

function writeAll(message: SipMessage): number {
  const stamp = { received: '192.0.2.1', rport: 5060 }
  const edits = new Edits()
  for (const route of message.routes.slice(0, 3)) removeElement(message, edits, route)
  edits.insert(message.headersEnd, 'X-Added: 1\r\n')
  edits.setBody(Buffer.from('new'))
  const via = 'SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKx'
  const plan = { edits, uri: 'sip:new@example.org', via, stamp, headersOnTop: '', routes: 'Route: <sip:p;lr>\r\n' }
  const written = [
    forwardRequest(message, { ...plan, maxForwards: 70 }),
    forwardReply(message, new Edits()) ?? Buffer.alloc(0),
    buildReply(message, { status: 200, reason: 'OK', toTag: 'x', stamp, headers: '' }),
    buildAck(message, message),
    buildCancel(message, ''),
  ]
  return Math.max(...written.map(bytes => bytes.length))
}
