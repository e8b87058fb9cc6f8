import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SipMessage } from '../../../src/sip/codec/message.ts'
import { firstLine, headerOf, SipUa } from '../../support/sip-ua.ts'
import { B4, FORKING_ROUTE, TCP } from './base-scripts.ts'
import { register, roundTrip, type Scenario, Stream, startScenario, until } from './rig.ts'

/**
 * A script that relays: the next hop is given, since the hosts of RFC 4475 do not exist, and replies go to where the
 * message came from, whatever its Via says.
 */
const SCRIPT = `${B4}
route {
    force_rport();
    if (!mf_process_maxfwd_header(10)) {
        if ($rc == -2) send_reply(400, "Bad Max-Forwards");
        else send_reply(483, "Too Many Hops");
        exit;
    }
    if (is_method("OPTIONS") && $rU == "alive") { send_reply(200, "OK"); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    if ($ru =~ "^sips?:") $du = "sip:127.0.0.1:@NEXT@";
    if (!t_relay()) sl_reply_error();
    exit;
}
error_route {
    force_rport();
    sl_send_reply($err.rcode, $err.rreason);
    exit;
}
`

/** Relayed to the next hop; answered with this status; or nothing is heard of it. */
type Treatment = 'relayed' | 'silence' | number

/** RFC 4475 §3, in its order, under a script that relays. */
const TABLE: Readonly<Record<string, Treatment>> = {
  wsinv: 'relayed',
  intmeth: 'relayed',
  esc01: 'relayed',
  escnull: 200,
  esc02: 'relayed',
  lwsdisp: 'relayed',
  longreq: 'relayed',
  dblreq: 200,
  semiuri: 'relayed',
  transports: 'relayed',
  mpart01: 'relayed',
  // Their only Via is not ours to follow: there is nobody to forward them to.
  unreason: 'silence',
  noreason: 'silence',
  badinv01: 400,
  clerr: 400,
  ncl: 400,
  scalar02: 400,
  scalarlg: 'silence',
  quotbal: 400,
  ltgtruri: 400,
  lwsruri: 400,
  lwsstart: 400,
  trws: 400,
  escruri: 400,
  baddate: 'relayed',
  regbadct: 400,
  badaspec: 'relayed',
  baddn: 'relayed',
  badvers: 505,
  mismatch01: 400,
  mismatch02: 400,
  bigcode: 'silence',
  badbranch: 'relayed',
  insuf: 'silence',
  unkscm: 416,
  novelsc: 416,
  unksm2: 400,
  bext01: 'relayed',
  invut: 'relayed',
  regaut01: 200,
  multi01: 400,
  mcl01: 400,
  bcast: 'silence',
  zeromf: 483,
  cparam01: 200,
  cparam02: 200,
  regescrt: 200,
  sdp01: 'relayed',
  inv2543: 'relayed',
}

const bytesOf = (name: string): Buffer => readFileSync(new URL(`../../fixtures/rfc4475/${name}.dat`, import.meta.url))

interface Tortured {
  readonly scenario: Scenario
  readonly sender: SipUa
  readonly next: SipUa
}

async function start(): Promise<Tortured> {
  const next = await SipUa.open('next')
  const scenario = await startScenario(SCRIPT, { NEXT: next.port })
  return { scenario, next, sender: await SipUa.open('sender') }
}

/** Sends a message, then an OPTIONS that must be answered. Gives what was answered to the message itself. */
async function send({ scenario, sender }: Tortured, bytes: Buffer): Promise<SipMessage[]> {
  const before = sender.received.length
  sender.send(bytes, scenario.port)
  const probe = sender.request('OPTIONS', scenario.port, { uri: 'sip:alive@127.0.0.1' })
  await until(() => sender.received.some(message => message.callId === probe.callId && message.status === 200))
  return sender.received.slice(before).filter(message => message.callId !== probe.callId)
}

function treatmentOf(replies: readonly SipMessage[], { next }: Tortured): Treatment {
  const final = replies.find(message => message.status >= 200)
  if (final !== undefined) return final.status
  return next.received.length > 0 ? 'relayed' : 'silence'
}

/** The header lines as they are in the message, but for those a proxy changes. */
function untouchedLines(message: SipMessage): string[] {
  const lines: string[] = []
  for (let i = 0; i < message.headerCount; i++) {
    if (/^(v|via|max-forwards)$/i.test(message.headerName(i))) continue
    lines.push(message.bytes.toString('latin1', message.headerStart(i), message.headerEnd(i)))
  }
  return lines
}

describe('scenario 30d: RFC 4475 over UDP through a script that relays', () => {
  it.each(Object.entries(TABLE))('%s: %s, and an OPTIONS is answered after it', async (name, expected) => {
    const tortured = await start()
    const { scenario, next } = tortured
    const replies = await send(tortured, bytesOf(name))
    if (expected === 'relayed') await until(() => next.received.length > 0)
    expect(treatmentOf(replies, tortured)).toBe(expected)
    expect(next.received).toHaveLength(expected === 'relayed' ? 1 : 0)
    expect(scenario.log.filter(line => /(ERROR|CRITICAL):/.test(line))).toEqual([])
  })

  it('all of them, one after the other on one proxy, leave it alive', async () => {
    const tortured = await start()
    for (const name of Object.keys(TABLE)) await send(tortured, bytesOf(name))
    await tortured.scenario.clock.advance(60_000)
    expect(tortured.scenario.stat('inuse_transactions')).toBe(0)
  })

  const relayed = Object.keys(TABLE).filter(name => TABLE[name] === 'relayed')
  it.each(relayed)('%s is relayed with every header, its body and its Request-URI as they came', async name => {
    const tortured = await start()
    const sent = SipMessage.parse(bytesOf(name)) as SipMessage
    await send(tortured, bytesOf(name))
    const [got] = tortured.next.received as [SipMessage]
    const added = sent.maxForwards < 0 ? ['Max-Forwards'] : []
    expect([got.method, got.requestUri, got.fault]).toEqual([sent.method, sent.requestUri, null])
    expect(untouchedLines(got).filter(line => !added.some(header => line.startsWith(header)))).toEqual(
      untouchedLines(sent),
    )
    expect(got.body.equals(sent.body)).toBe(true)
    expect(got.vias).toHaveLength(sent.vias.length + 1)
  })

  it('the registrar stores the contacts that are meant', async () => {
    const tortured = await start()
    const contactsOf = async (name: string): Promise<string[]> => {
      const [reply] = await send(tortured, bytesOf(name))
      const contacts = reply?.contacts
      return Array.isArray(contacts) ? contacts.map(({ uri }) => uri) : []
    }
    expect(await contactsOf('escnull')).toHaveLength(2)
    expect(await contactsOf('cparam01')).toEqual(['sip:+19725552222@gw1.example.net'])
    expect(await contactsOf('regescrt')).toEqual(['sip:user@example.com?Route=%3Csip:sip.example.com%3E'])
  })
})

describe('scenario 30d: transactions of RFC 4475', () => {
  it.each(['inv2543', 'badbranch'])('%s, whose branch says nothing, is matched by its other fields', async name => {
    const tortured = await start()
    const text = bytesOf(name).toString('latin1')
    const other = text.replace(/^Call-ID: */im, '$&other-')
    expect(other).not.toBe(text)
    for (const bytes of [text, text, other, other]) await send(tortured, Buffer.from(bytes, 'latin1'))
    expect(tortured.next.received.map(message => message.callId.startsWith('other-'))).toEqual([false, true])
  })

  it('what follows the first message of a datagram is not processed (dblreq)', async () => {
    const tortured = await start()
    const before = tortured.scenario.stat('rcv_requests') ?? 0
    await send(tortured, bytesOf('dblreq'))
    // The REGISTER and the OPTIONS behind it.
    expect(tortured.scenario.stat('rcv_requests')).toBe(before + 2)
  })

  it('inv2543 gets a Max-Forwards on its way', async () => {
    const tortured = await start()
    await send(tortured, bytesOf('inv2543'))
    expect(tortured.next.received[0]?.maxForwards).toBe(10)
  })
})

describe('scenario 30d: RFC 4475 over TCP', () => {
  it.each(Object.keys(TABLE))('%s on a connection of its own leaves the proxy alive', async name => {
    const next = await SipUa.open('next')
    const scenario = await startScenario(SCRIPT + TCP, { NEXT: next.port })
    const prober = await SipUa.open('prober')
    const stream = await Stream.open(scenario.port)
    stream.write(bytesOf(name))
    await roundTrip(prober, scenario.port)
    prober.request('OPTIONS', scenario.port, { uri: 'sip:alive@127.0.0.1' })
    await prober.nextReply(200)
    await scenario.clock.advance(200_000)
    await until(() => stream.isClosed)
    expect(scenario.stat('inuse_transactions')).toBe(0)
    expect(scenario.log.filter(line => /(ERROR|CRITICAL):/.test(line))).toEqual([])
  })
})

describe('scenario 30d: reason phrases of RFC 4475', () => {
  it.each(['unreason', 'noreason'])('%s: the status line reaches the caller byte by byte', async name => {
    const scenario = await startScenario(B4 + FORKING_ROUTE)
    const [alice, bob] = await Promise.all([SipUa.open('alice'), SipUa.open('bob')])
    await register(bob, scenario.port)
    alice.request('INVITE', scenario.port)
    const received = await bob.nextRequest('INVITE')
    const bytes = bytesOf(name)
    // As a 180: a 100, as noreason is, goes one hop only.
    const statusLine = Buffer.from(bytes.subarray(0, bytes.indexOf('\r\n')))
    if (statusLine.includes(' 100 ')) statusLine.write(' 180 ', statusLine.indexOf(' 100 '))
    const rest = bob.makeReply(received, 200, 'X').replace('SIP/2.0 200 X', '')
    bob.send(Buffer.concat([statusLine, Buffer.from(rest)]), scenario.port)
    await roundTrip(alice, scenario.port)
    const answered = alice.received.find(
      message => headerOf(message, 'CSeq').endsWith('INVITE') && message.status > 100,
    )
    expect(answered?.bytes.subarray(0, statusLine.length).equals(statusLine)).toBe(true)
    expect(answered && firstLine(answered)).toBe(statusLine.toString().trim())
  })
})
