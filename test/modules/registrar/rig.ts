import registrar from '../../../src/modules/registrar/index.ts'
import usrloc from '../../../src/modules/usrloc/index.ts'
import { moduleRig, type RigOptions } from '../usrloc/module-rig.ts'

export interface RegisterFacts {
  readonly to?: string
  /** Contact headers' values; none by default. */
  readonly contacts?: readonly string[]
  readonly expires?: number | string
  readonly callId?: string
  readonly cseq?: number
  readonly headers?: string
}

/** The text of a REGISTER. */
export function register(facts: RegisterFacts = {}): string {
  const { to = '<sip:bob@127.0.0.1>', contacts = [], callId = 'r1', cseq = 1, headers = '', expires } = facts
  return [
    'REGISTER sip:127.0.0.1 SIP/2.0',
    'Via: SIP/2.0/UDP 127.0.0.1:5072;branch=z9hG4bKr',
    'Max-Forwards: 70',
    'From: <sip:bob@127.0.0.1>;tag=f1',
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} REGISTER`,
    ...contacts.map(contact => `Contact: ${contact}`),
    ...(expires === undefined ? [] : [`Expires: ${expires}`]),
    ...(headers === '' ? [] : [headers]),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

/** A registrar that is started; `save` gives verdict, reply and events of one REGISTER. */
export function registrarRig(options: RigOptions = {}) {
  const made = moduleRig([usrloc, registrar], options)
  made.start()
  const save = (facts: RegisterFacts, flags?: string, aor?: string) => {
    const sentBefore = made.replies.length
    const m = made.context(register(facts))
    const verdict = made.call(m, 'save', 'location', flags, aor)
    const reply = made.replies.length > sentBefore ? made.replies.at(-1)! : ''
    const events = made.raised().map(text => JSON.parse(text) as { method: string; params: Record<string, unknown> })
    return { m, verdict, reply, status: reply.slice(8, 11), events, names: events.map(event => event.method) }
  }
  const invite = (uri: string, more = '') =>
    made.context(
      `INVITE ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bKi\r\nFrom: <sip:alice@127.0.0.1>;tag=a\r\n` +
        `To: <${uri}>\r\nCall-ID: i1\r\nCSeq: 1 INVITE\r\n${more}Content-Length: 0\r\n\r\n`,
    )
  return { ...made, save, invite }
}
