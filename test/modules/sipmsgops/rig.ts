import sipmsgops from '../../../src/modules/sipmsgops/index.ts'
import { moduleRig } from '../usrloc/module-rig.ts'

export const SDP = [
  'v=0',
  'o=alice 1 1 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8 97 101',
  'a=rtpmap:97 opus/48000/2',
  'a=fmtp:97 useinbandfec=1',
  'a=rtpmap:101 telephone-event/8000',
  'a=sendrecv',
  'm=video 4002 RTP/SAVP 31',
  '',
].join('\r\n')

interface Facts {
  readonly method?: string
  readonly uri?: string
  readonly headers?: readonly string[]
  readonly body?: string
  readonly without?: string
}

/** The text of an INVITE with the right Content-Length. */
export function invite({
  method = 'INVITE',
  uri = 'sip:bob@example.org',
  headers = [],
  body = '',
  without,
}: Facts = {}) {
  const lines = [
    'Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKq',
    'Max-Forwards: 70',
    'From: <sip:alice@example.com>;tag=f1',
    'To: <sip:bob@example.org>',
    'Call-ID: call-9',
    `CSeq: 2 ${method}`,
    'Contact: <sip:alice@192.0.2.77>',
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ].filter(line => without === undefined || !line.startsWith(`${without}:`))
  return `${[`${method} ${uri} SIP/2.0`, ...lines, '', ''].join('\r\n')}${body}`
}

/** `call` runs a function on one message, `sent` gives the message as it goes out then. */
export function messageRig(facts: Facts = {}) {
  const made = moduleRig([sipmsgops])
  const m = made.context(invite(facts))
  return {
    ...made,
    m,
    run: (name: string, ...args: unknown[]) => made.call(m, name, ...args),
    out: () => made.sent(m),
    body: () => made.sent(m).split('\r\n\r\n').slice(1).join('\r\n\r\n'),
  }
}
