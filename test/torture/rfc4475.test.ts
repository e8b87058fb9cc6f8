import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Edits } from '../../src/sip/codec/edits.ts'
import type { FaultCode } from '../../src/sip/codec/fault.ts'
import { SipMessage } from '../../src/sip/codec/message.ts'
import { parseUri, sameUri, uriScheme } from '../../src/sip/codec/uri.ts'
import { buildReply, forwardReply, forwardRequest, type ViaStamp } from '../../src/sip/codec/write.ts'

const CORPUS = new URL('../fixtures/rfc4475/', import.meta.url)
const NO_STAMP: ViaStamp = { received: null, rport: null }
const OUR_VIA = 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours'

/** What becomes of a message: it goes on, it is answered with this status, or it is dropped; with the fault found. */
type Treatment =
  | readonly ['relay']
  | readonly [status: 400 | 505, fault: FaultCode]
  | readonly ['drop', fault: FaultCode]

/** RFC 4475 §3, all 49 messages in its order. */
const TABLE: Readonly<Record<string, Treatment>> = {
  wsinv: ['relay'],
  intmeth: ['relay'],
  esc01: ['relay'],
  escnull: ['relay'],
  esc02: ['relay'],
  lwsdisp: ['relay'],
  longreq: ['relay'],
  dblreq: ['relay'],
  semiuri: ['relay'],
  transports: ['relay'],
  mpart01: ['relay'],
  unreason: ['relay'],
  noreason: ['relay'],
  badinv01: [400, 'bad-via'],
  clerr: [400, 'short-body'],
  ncl: [400, 'bad-content-length'],
  scalar02: [400, 'bad-cseq'],
  scalarlg: ['drop', 'bad-cseq'],
  quotbal: [400, 'bad-to'],
  ltgtruri: [400, 'bad-request-uri'],
  lwsruri: [400, 'bad-request-uri'],
  lwsstart: [400, 'bad-request-line'],
  trws: [400, 'bad-request-line'],
  escruri: [400, 'bad-request-uri'],
  baddate: ['relay'],
  regbadct: ['relay'],
  badaspec: ['relay'],
  baddn: ['relay'],
  badvers: [505, 'bad-version'],
  mismatch01: [400, 'cseq-mismatch'],
  mismatch02: [400, 'cseq-mismatch'],
  bigcode: ['drop', 'bad-status'],
  badbranch: ['relay'],
  insuf: ['drop', 'missing-from'],
  unkscm: ['relay'],
  novelsc: ['relay'],
  unksm2: ['relay'],
  bext01: ['relay'],
  invut: ['relay'],
  regaut01: ['relay'],
  multi01: [400, 'repeated-from'],
  mcl01: [400, 'repeated-content-length'],
  bcast: ['relay'],
  zeromf: ['relay'],
  cparam01: ['relay'],
  cparam02: ['relay'],
  regescrt: ['relay'],
  sdp01: ['relay'],
  inv2543: ['relay'],
}

function bytesOf(name: string): Buffer {
  return readFileSync(new URL(`${name}.dat`, CORPUS))
}

function read(name: string): SipMessage {
  const message = SipMessage.parse(bytesOf(name))
  if (message === null) throw new Error(`${name}.dat was not taken for SIP`)
  return message
}

function treatment(message: SipMessage): Treatment {
  const { fault } = message
  if (fault === null) return ['relay']
  return message.answerable ? [fault.status as 400 | 505, fault.code] : ['drop', fault.code]
}

/** The message with one more line behind its start line, and others before its empty line, made without the codec. */
function withLines(message: SipMessage, top: string, bottom: string): string {
  const text = message.bytes.toString('latin1')
  const firstEnd = text.indexOf('\n') + 1
  const empty = text.indexOf('\r\n\r\n')
  const headers = empty < 0 ? text.slice(firstEnd) : text.slice(firstEnd, empty + 2)
  const rest = empty < 0 ? '\r\n' : text.slice(empty + 2)
  return text.slice(0, firstEnd) + top + headers + bottom + rest
}

function forward(message: SipMessage, stamp: ViaStamp): string {
  const plan = { edits: new Edits(), uri: message.requestUri, via: OUR_VIA, headersOnTop: '', routes: '' }
  return forwardRequest(message, { ...plan, stamp, maxForwards: 70 }).toString('latin1')
}

const names = Object.keys(TABLE)
const relayed = names.filter(name => TABLE[name]?.[0] === 'relay').map(name => [name, read(name)] as const)
const relayedRequests = relayed.filter(([, message]) => message.isRequest)
const relayedReplies = relayed.filter(([, message]) => !message.isRequest)
const answered = names.filter(name => typeof TABLE[name]?.[0] === 'number')

describe('RFC 4475 torture messages', () => {
  it('are all in the table', () => {
    const files = readdirSync(CORPUS).map(file => file.replace('.dat', ''))
    expect(files.sort()).toEqual([...names].sort())
    expect(names).toHaveLength(49)
  })

  it.each(names)('%s is treated as its row says', name => {
    expect(treatment(read(name))).toEqual(TABLE[name])
  })

  it.each(relayedRequests)(
    '%s goes on with nothing changed but our Via and a missing Max-Forwards',
    (_name, message) => {
      const added = message.maxForwards === -1 ? 'Max-Forwards: 70\r\n' : ''
      expect(forward(message, NO_STAMP)).toBe(withLines(message, `Via: ${OUR_VIA}\r\n`, added))
    },
  )

  it.each(relayedRequests)('%s goes on the same when its Via is stamped', (_name, message) => {
    const stamped = forward(message, { received: '192.0.2.250', rport: 4321 })
    const bare = stamped
      .replace(';received=192.0.2.250', '')
      .replace(/;rport=4321/, message.topVia?.rport === 0 ? ';rport' : '')
    expect(bare).toBe(forward(message, NO_STAMP))
    const second = SipMessage.parse(Buffer.from(stamped, 'latin1'))?.vias[1]
    expect(second).toMatchObject({ received: '192.0.2.250', rport: 4321, branch: message.topVia?.branch })
  })

  it.each(relayedReplies)('%s goes back with nothing changed when our Via is taken off', (_name, message) => {
    const received = SipMessage.parse(Buffer.from(withLines(message, `Via: ${OUR_VIA}\r\n`, ''), 'latin1'))
    const forwarded = received === null ? null : forwardReply(received, new Edits())
    expect(forwarded?.toString('latin1')).toBe(message.bytes.toString('latin1'))
  })

  it.each(answered)('%s gets a reply that is a well-formed one but for what it copies', name => {
    const request = read(name)
    const { status, reason } = request.fault ?? { status: 0, reason: '' }
    const reply = buildReply(request, { status, reason, toTag: 'ours', stamp: NO_STAMP, headers: '' })
    const parsed = SipMessage.parse(reply)
    expect(parsed).toMatchObject({ isRequest: false, status, reason, callId: request.callId, contentLength: 0 })
    expect(parsed?.topVia?.branch).toBe(request.topVia?.branch)
  })
})

describe('what RFC 4475 says of single messages', () => {
  it('wsinv: every value is found through folding, case and compact names (§3.1.1.1)', () => {
    const message = read('wsinv')
    expect(message.fromTag).toBe('98asjd8')
    expect(message.toTag).toBe('1918181833n')
    expect(message.maxForwards).toBe(68)
    expect(message.contentLength).toBe(150)
    expect([message.cseq, message.cseqMethod]).toEqual([9, 'INVITE'])
    expect(message.vias.map(via => [via.transport, via.host, via.branch])).toEqual([
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ])
    expect(message.routes.map(route => route.uri)).toEqual([
      'sip:services.example.com;lr;unknownwith=value;unknown-no-value',
    ])
    const [contact] = message.contacts as readonly { params: { get(name: string): string | null } }[]
    expect([contact?.params.get('newparam'), contact?.params.get('q')]).toEqual(['newvalue', '0.33'])
  })

  it('intmeth: method, user and password may hold every legal character (§3.1.1.2)', () => {
    const message = read('intmeth')
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~")
    const uri = parseUri(message.requestUri)
    expect(uri?.user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    expect(uri?.password).toBe("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
    expect(uri?.host).toBe('example.com')
    expect(message.fromTag).toBe("_token~1'+`*%!-.")
    expect(message.maxForwards).toBe(255)
  })

  it('esc01: escapes are equal to what they stand for, and double escapes are not undone twice (§3.1.1.3)', () => {
    expect(sameUri(read('esc01').to?.uri ?? '', 'sip:user@example.com')).toBe(true)
    expect(parseUri(read('esc01').requestUri)?.user).toBe('sips%3Auser%40example.com')
  })

  it('escnull: two Contacts with one and two escaped NULs are different (§3.1.1.4)', () => {
    const contacts = read('escnull').contacts as readonly { uri: string }[]
    expect(contacts).toHaveLength(2)
    expect(sameUri(contacts[0]?.uri ?? '', contacts[1]?.uri ?? '')).toBe(false)
  })

  it('esc02: `%` in a header name does not make it a known one (§3.1.1.5)', () => {
    expect(read('esc02').contacts).toHaveLength(2)
    expect(read('esc02').from?.display).toBe('"%Z%45"')
  })

  it('lwsdisp: a display name may touch the bracket (§3.1.1.6)', () => {
    expect(read('lwsdisp').from).toMatchObject({ display: 'caller', uri: 'sip:caller@example.com', tag: '323' })
  })

  it('longreq: 34 Vias are read (§3.1.1.7)', () => {
    expect(read('longreq').vias).toHaveLength(34)
    expect(read('longreq').to?.display).toContain('extremeextreme')
  })

  it('dblreq: what stands behind Content-Length is cut off (§3.1.1.8)', () => {
    expect(read('dblreq').bytes.toString()).toMatch(/Content-Length: 0\r\n\r\n$/)
  })

  it('semiuri: a semicolon may stand in the user part (§3.1.1.9)', () => {
    const uri = parseUri(read('semiuri').requestUri)
    expect([uri?.user, uri?.host, uri?.params.size]).toEqual(['user;par=u%40example.net', 'example.com', 0])
  })

  it('mpart01: the body is kept byte for byte (§3.1.1.11)', () => {
    expect(read('mpart01').body).toHaveLength(553)
  })

  it('noreason: an empty reason phrase is one, and its blank stays (§3.1.1.13)', () => {
    expect([read('noreason').status, read('noreason').reason]).toEqual([100, ''])
    expect(read('noreason').bytes.toString()).toMatch(/^SIP\/2\.0 100 \r\n/)
  })

  it('scalar02: the overlarge Max-Forwards is unreadable too (§3.1.2.4)', () => {
    expect([read('scalar02').cseq, read('scalar02').maxForwards]).toEqual([-1, -2])
  })

  it('regbadct: a Contact with `?` outside of brackets is malformed (§3.1.2.13)', () => {
    expect(read('regbadct').contacts).toBeNull()
  })

  it('badaspec: blanks inside the brackets are taken off (§3.1.2.14)', () => {
    expect(read('badaspec').to?.uri).toBe('sip:t.watson@example.org')
  })

  it('baddn: an unquoted display name is taken as it is, comma included (§3.1.2.15)', () => {
    expect(read('baddn').from).toMatchObject({ display: 'Bell, Alexander', uri: 'sip:a.g.bell@example.com', tag: '43' })
  })

  it('badbranch: the cookie alone is the whole branch (§3.2.1)', () => {
    expect(read('badbranch').topVia?.branch).toBe('z9hG4bK')
  })

  it.each([
    ['unkscm', 'nobodyknowsthisscheme'],
    ['novelsc', 'soap.beep'],
  ])('%s: the unknown scheme is left for a 416 (§3.3.2, §3.3.3)', (name, scheme) => {
    expect(uriScheme(read(name).requestUri)).toBe(scheme)
    expect(parseUri(read(name).requestUri)).toBeNull()
  })

  it('cparam01: without brackets the parameter is of the header (§3.3.12)', () => {
    expect(read('cparam01').contacts).toMatchObject([{ uri: 'sip:+19725552222@gw1.example.net', params: { size: 1 } }])
  })

  it('cparam02: within brackets it is of the URI (§3.3.13)', () => {
    expect(read('cparam02').contacts).toMatchObject([
      { uri: 'sip:+19725552222@gw1.example.net;unknownparam', params: { size: 0 } },
    ])
  })

  it('regescrt: headers in a Contact URI are kept with it (§3.3.14)', () => {
    expect(read('regescrt').contacts).toMatchObject([{ uri: 'sip:user@example.com?Route=%3Csip:sip.example.com%3E' }])
  })

  it('inv2543: no branch, no From tag (§3.4.1)', () => {
    const message = read('inv2543')
    expect([message.topVia?.branch, message.fromTag, message.maxForwards]).toEqual(['', '', -1])
  })
})
