import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type DatagramPeer, udpPeer, unixPeer } from '../../conformance/datagram-peers.ts'
import { UdpClient } from '../../mi/doors/udp-client.ts'
import { golden } from '../../mi/golden.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { type RawHttpPeer, rawHttpPeer } from './raw-http-peer.ts'
import { recordedScript } from './recorded-script.ts'

/*
 * The script by which OpenSIPS 4.0.1 was recorded runs here and gets the recorded requests; the bytes of every subscriber are
 * compared with the recording.
 */

/** What one case leads to; null where nothing is sent. */
interface Outcome {
  /** Payload of udp, unix and rabbitmq. */
  readonly json: string | null
  /** Line of the flat file. */
  readonly line: string | null
  /** The `<param>` elements of the XML-RPC call behind the name of the event. */
  readonly xml: string | null
  /** What the event route logs. */
  readonly route: string | null
  /** What management answers; null for a case of the script. */
  readonly answer: string | null
}

const url = inject('rabbitmqUrl')
const CASES = [
  ...casesOf('custom').map(name => `custom/${name}`),
  ...casesOf('custom_flatstore_last').map(name => `custom_flatstore_last/${name}`),
]

function casesOf(folder: string): string[] {
  const files = readdirSync(new URL(`../../fixtures/golden/${folder}`, import.meta.url))
  return [...new Set(files.map(file => file.replace(/\..*/, '')))].filter(name => /^(?:script|mi)_/.test(name))
}

const HEAD = '{"jsonrpc":"2.0","method":"E_T_CASE"'
const OK = '{"jsonrpc":"2.0","result":"OK","id":1}'
const element = (name: string, value: string): string =>
  `<param>\n<name>${name}</name>\n<value>${value}</value>\n</param>\n`

/** Where something better is sent on purpose: docs/differences.md says why. */
const DIFFERENCES: Readonly<Record<string, Partial<Outcome>>> = {
  // Positional values stay positional, whoever else listens.
  'custom/mi_pos1': { json: `${HEAD},"params":["only"]}` },
  'custom/mi_arrayform2': { json: `${HEAD},"params":["x","y"]}` },
  // Integers are not cut to 32 bits; those that no number holds exactly travel as text.
  'custom/mi_int32over': {
    json: `${HEAD},"params":{"i":2147483648}}`,
    line: 'E_T_CASE,2147483648',
    xml: element('i', '<i8>2147483648</i8>'),
    route: 'n=<null> s=<null> i=2147483648',
  },
  'custom/mi_int64': {
    json: `${HEAD},"params":{"i":"9223372036854775807"}}`,
    line: 'E_T_CASE,9223372036854775807',
    xml: element('i', '<string>9223372036854775807</string>'),
    route: 'n=<null> s=<null> i=9223372036854775807',
  },
  // A real object is taken as what it says.
  'custom/mi_objform_documented': {
    json: `${HEAD},"params":{"s":"hello","i":42}}`,
    line: 'E_T_CASE,hello,42',
    xml: element('s', '<string>hello</string>') + element('i', '<int>42</int>'),
    route: 'n=<null> s=hello i=42',
    answer: OK,
  },
  // The recorded worker crashed after its first subscriber.
  'custom/mi_emptyobj': {
    json: `${HEAD},"params":{}}`,
    line: 'E_T_CASE',
    xml: '',
    route: 'n=<null> s=<null> i=<null>',
  },
  // What the flat file replaces stays as it was for everyone else.
  'custom/mi_commas': { route: 'n=<null> s=a,b i=1' },
  'custom_flatstore_last/script_commas': {
    json: `${HEAD},"params":{"i":1,"s":"a,b,,c"}}`,
    xml: element('i', '<int>1</int>') + element('s', '<string>a,b,,c</string>'),
    route: 'n=<null> s=a,b,,c i=1',
  },
}

function expectedOf(name: string): Outcome {
  return {
    json: recorded(`${name}.udp.out`),
    line: recorded(`${name}.flatstore.out`)?.replace(/\n$/, '') ?? null,
    xml:
      recorded(`${name}.xmlrpc.out`)?.replace(/^.*?E_T_CASE<\/string><\/value>\n<\/param>\n|<\/params>.*$/gs, '') ??
      null,
    route: routeLine(recorded(`${name}.event_route.txt`) ?? ''),
    answer: name.includes('/mi_') ? recorded(`${name}.mi.out`) : null,
    ...DIFFERENCES[name],
  }
}

function recorded(file: string): string | null {
  const text = golden(file).toString('utf8')
  return text === '' ? null : text
}

/** The recording of the log kept one line: values with a line end are compared up to it. */
function routeLine(log: string): string | null {
  return /EVROUTE E_T_CASE \[<null>\] (.*)/.exec(log)?.[1] ?? null
}

/** The recorded elements as we write them: text escaped or as base64, negative numbers as such. */
function improved(params: string): string {
  return (
    params
      .replace(/(?<=<string>).*?(?=<\/string><\/value>)/gs, text =>
        text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;'),
      )
      // XML has no place for these characters.
      .replace(
        /<string>([^<]*\x01[^<]*)<\/string>/g,
        (_, text: string) => `<base64>${Buffer.from(text).toString('base64')}</base64>`,
      )
      .replace(/(?<=<int>)\d{19,}(?=<)/g, digits => BigInt.asIntN(64, BigInt(digits)).toString())
  )
}

function xmlRpcRequest(port: number, params: string): string {
  const body =
    '<?xml version="1.0"?>\n<methodCall>\n<methodName>on_event</methodName>\n<params>\n' +
    `<param>\n<value><string>E_T_CASE</string></value>\n</param>\n${params}</params>\n</methodCall>`
  return (
    `POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nUser-Agent: OpenSIPS XMLRPC Notifier\r\n` +
    `Content-type: text/xml\r\nContent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

describe.skipIf(url === null)('the script of the recordings', () => {
  let proxy: ProxyUnderTest
  let udp: DatagramPeer
  let unix: DatagramPeer
  let http: RawHttpPeer
  let queue: AmqpQueue
  let mi: UdpClient

  beforeAll(async () => {
    ;[udp, unix, http, queue] = await Promise.all([udpPeer(), unixPeer(), rawHttpPeer(), AmqpQueue.open(url ?? '')])
    const [miPort, httpPort] = [await freePort(), await freePort()]
    const { username, password, host } = new URL(url ?? '')
    const script = recordedScript('custom/script.cfg', [
      ['udp:127.0.0.1:9001', udp.socket],
      ['unix:@DIR@/ev.sock', unix.socket],
      ['xmlrpc:127.0.0.1:9003', `xmlrpc:127.0.0.1:${http.port}`],
      ['rabbitmq:127.0.0.1/golden.custom', `rabbitmq:${username}:${password}@${host}/${queue.name}`],
      ['udp:127.0.0.1:8077', `udp:127.0.0.1:${miPort}`],
      ['"port",8888', `"port",${httpPort}`],
    ])
    proxy = await startProxy(script)
    mi = new UdpClient(`127.0.0.1:${miPort}`)
  }, 60_000)
  afterAll(async () => {
    mi?.close()
    await proxy?.stop()
    await Promise.all([udp?.close(), unix?.close(), http?.close(), queue?.close()])
  })

  /** Sends what the case sent; gives the answer of management, null for a SIP request. */
  async function act(name: string): Promise<string | null> {
    const request = golden(`${name}.req`).toString('utf8').trimEnd()
    if (name.includes('/mi_')) return mi.ask(request)
    const ua = await SipUa.open('golden')
    // The cases of raw bytes were recorded by the header they put into the message.
    const user = /^OPTIONS sip:(\w+)@/.exec(request)?.[1] ?? 'ruri'
    const headers = request.startsWith('X-Raw:') ? `${request}\r\n` : ''
    ua.request('OPTIONS', proxy.port, { uri: `sip:${user}@127.0.0.1`, headers })
    await ua.nextReply(200)
    return null
  }

  const subscriptions = () => proxy.proxy.host.bus.subscriptions('E_T_CASE')
  const raised = (): number => subscriptions().reduce((sum, { counters }) => sum + counters.raised, 0)

  it.for(CASES)('sends every subscriber what was recorded: %s', async name => {
    const wanted = expectedOf(name)
    const before = { udp: udp.payloads.length, http: http.requests.length, queue: queue.messages.length }
    const raisedBefore = raised()
    const logged = proxy.log.length

    expect(await act(name)).toBe(wanted.answer)
    await Promise.all(subscriptions().map(subscription => subscription.whenIdle()))

    if (wanted.json === null) {
      expect(raised()).toBe(raisedBefore)
      return
    }
    const arrived = [udp.arrived(before.udp + 1), unix.arrived(before.udp + 1), http.arrived(before.http + 1)]
    await Promise.all([...arrived, queue.arrived(before.queue + 1)])
    expect(udp.payloads.slice(before.udp).map(String)).toEqual([wanted.json])
    expect(unix.payloads.slice(before.udp).map(String)).toEqual([wanted.json])
    expect(queue.messages.slice(before.queue).map(({ content }) => content.toString())).toEqual([wanted.json])
    expect(http.requests.slice(before.http)).toEqual([xmlRpcRequest(http.port, improved(wanted.xml ?? ''))])
    const file = readFileSync(join(proxy.folder, 'flat_custom.log'), 'utf8')
    expect(file.endsWith(`${wanted.line}\n`), `the file ends with ${JSON.stringify(file.slice(-80))}`).toBe(true)
    expect(routeLine(proxy.log.slice(logged).join(''))).toBe(wanted.route)
  })
})
