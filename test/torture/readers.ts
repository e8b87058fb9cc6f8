import { readdirSync, readFileSync } from 'node:fs'
import { encodeFrame, FrameKind, FrameReader } from '../../src/cluster/frame.ts'
import { parseHello } from '../../src/cluster/handshake.ts'
import { parseMessage } from '../../src/cluster/message.ts'
import { parseNodeInfo } from '../../src/cluster/node-info.ts'
import { parseSync } from '../../src/cluster/sync-message.ts'
import { parseFilter } from '../../src/events/filter.ts'
import { FilterError } from '../../src/events/filter-scanner.ts'
import { FifoFrames } from '../../src/mi/doors/fifo-frames.ts'
import { parseTextRequest } from '../../src/mi/text-form.ts'
import { readCall, XmlRpcFault } from '../../src/mi/xml-rpc.ts'
import { readEvent } from '../../src/modules/freeswitch/event.ts'
import { FrameReader as EslReader, FrameError } from '../../src/modules/freeswitch/frame-reader.ts'
import { MediaLines } from '../../src/modules/rtpproxy/media-lines.ts'
import { readPlace } from '../../src/modules/rtpproxy/negotiation.ts'
import { parseNotification } from '../../src/modules/rtpproxy/notifications.ts'
import { compileScript } from '../../src/script/compile.ts'
import { ScriptError } from '../../src/script/diagnostic.ts'
import { loadScript } from '../../src/script/parse.ts'
import { memoryReader } from '../../src/script/preprocess.ts'
import { DnsCache } from '../../src/sip/net/dns-cache.ts'
import type { DnsClient } from '../../src/sip/net/dns-client.ts'
import { HopResolver } from '../../src/sip/net/resolve.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { FakeEnvironment } from '../script/harness.ts'

/** Something that reads what others have written, with samples of what it understands. */
export interface Reader {
  readonly name: string
  readonly samples: readonly Buffer[]
  /** Reads the bytes. Throws, or rejects, only where that is a fault of ours. */
  read(bytes: Buffer): unknown
}

const SCRIPTS = new URL('../script/fixtures/', import.meta.url)
const texts = (...all: string[]): readonly Buffer[] => all.map(text => Buffer.from(text))

/** Runs a reader whose refusals are of these classes. */
export function refusing(run: () => unknown, ...refusals: readonly (new (...args: never[]) => Error)[]): void {
  try {
    run()
  } catch (error) {
    if (!refusals.some(refusal => error instanceof refusal)) throw error
  }
}

/** What comes over a stream comes in pieces. */
function inPieces(bytes: Buffer, push: (piece: Buffer) => void): void {
  const step = 1 + (bytes.length % 37)
  for (let at = 0; at < bytes.length; at += step) push(bytes.subarray(at, at + step))
}

const script: Reader = {
  name: 'scripts',
  samples: readdirSync(SCRIPTS).map(name => readFileSync(new URL(name, SCRIPTS))),
  read: bytes => {
    const loaded = loadScript('t.cfg', memoryReader({ 't.cfg': bytes.toString('utf8') }))
    refusing(() => compileScript(loaded, new FakeEnvironment()), ScriptError)
  },
}

const filters: Reader = {
  name: 'filters',
  samples: texts(
    'aor=alice*',
    'sip_code=4?? aor="a b" domain!=x',
    'duration>60 duration<=3600 caller~"^\\\\+49" method=INVITE|BYE',
    'ip=10.0.0.0/8 !(a=b | c=d) e',
  ),
  read: bytes => refusing(() => parseFilter(bytes.toString('utf8'), null), FilterError),
}

const fifo: Reader = {
  name: 'requests in a FIFO',
  samples: texts(
    ':reply:{"jsonrpc":"2.0","id":1,"method":"ps"}',
    ':get_statistics:reply\nall\n\n',
    ':event_subscribe:reply\nE_A\n"udp:127.0.0.1:9"\n60\n\n::{"method":"which"}',
    '{"jsonrpc":"2.0","method":"evi:list","params":["a",{"b":[1,-2.5e3,null,"\\u00e9"]}]}',
  ),
  read: bytes => {
    const frames = new FifoFrames(
      2000,
      ({ text }) => void parseTextRequest(text),
      () => {},
    )
    inPieces(bytes, piece => frames.push(piece.toString('latin1')))
  },
}

const xmlRpc: Reader = {
  name: 'XML-RPC calls',
  samples: texts(
    '<?xml version="1.0"?><methodCall><methodName>get_statistics</methodName><params><param><value><string>all</string></value></param></params></methodCall>',
    '<methodCall><methodName>a</methodName><params><param><value><struct><member><name>x</name><value><int>5</int></value></member></struct></value></param><param><value><array><data><value>&lt;&#65;&#x42;</value><value><double>1.5</double></value></data></array></value></param></params></methodCall>',
    '<methodCall><!-- a --><methodName><![CDATA[ps]]></methodName></methodCall>',
  ),
  read: bytes => refusing(() => readCall(bytes), XmlRpcFault),
}

const parcels = [
  { type: 'ping', number: 4 },
  { type: 'removal', node: 3, started: 5 },
  {
    type: 'states',
    adverts: [
      {
        node: 1,
        started: 5,
        version: 2,
        url: 'bin:127.0.0.1:5555',
        sipAddress: '',
        description: 'a',
        priority: 50,
        retries: 3,
        neighbours: [2, 3],
      },
    ],
  },
  {
    type: 'parcel',
    source: 1,
    destination: 2,
    hops: 0,
    topic: 'sync',
    body: { kind: 'request', capability: 'usrloc' },
  },
]

const cluster: Reader = {
  name: 'messages of cluster nodes',
  samples: [
    ...parcels.map(parcel => encodeFrame(FrameKind.message, Buffer.from(JSON.stringify(parcel)))),
    encodeFrame(FrameKind.hello, Buffer.from(`1 2 hmac-sha256 ${'0a'.repeat(16)}`)),
    Buffer.from('cluster_id=1,node_id=2,url=bin:127.0.0.1:5555,flags=seed,priority=10'),
  ],
  read: bytes => {
    const reader = new FrameReader()
    reader.maxPayloadBytes = 100_000
    const take = ({ payload }: { readonly payload: Buffer }): boolean => {
      parseHello(payload)
      const message = parseMessage(payload)
      if (message?.type === 'parcel') parseSync(message.body)
      return true
    }
    let isSound = true
    inPieces(bytes, piece => {
      if (isSound) isSound = reader.push(piece, take) === null
    })
    // An Error with the reason is what a configuration gets.
    refusing(() => parseNodeInfo(bytes.toString('utf8')), Error)
  },
}

const rtpproxy: Reader = {
  name: 'answers of RTP proxies',
  samples: texts(
    '40000 192.0.2.7\n',
    '40002 2001:db8::1\n',
    'E8\n',
    'c:call-1 5 10 160 0',
    'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4001\r\nm=video 0 RTP/AVP 31\r\n',
  ),
  read: bytes => {
    const text = bytes.toString('latin1')
    parseNotification(text)
    const place = readPlace(text, '192.0.2.9', false) ?? { address: '192.0.2.9', port: 5000 }
    if (!Number.isInteger(place.port) || place.port < 1 || place.port > 65_535) throw new Error(`port ${place.port}`)
    const lines = new MediaLines(text)
    const places = new Map(lines.streams.map(stream => [stream, place]))
    lines.rewrite(places, { changesOrigin: true, changesSession: true, mark: 'a=nortpproxy:yes\r\n' })
  },
}

const freeswitch: Reader = {
  name: 'frames of FreeSWITCH',
  samples: texts(
    'Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n',
    'Content-Length: 47\nContent-Type: text/event-json\n\n{"Event-Name":"HEARTBEAT","Session-Count":"5"}\n',
    'Content-Length: 60\nContent-Type: text/event-plain\n\nEvent-Name: CUSTOM\nEvent-Subclass: a%3A%3Ab\nX: %zz%41\nY: 1\n\n ',
  ),
  read: bytes => {
    const reader = new EslReader()
    refusing(
      () =>
        inPieces(bytes, piece => {
          for (const frame of reader.push(piece)) readEvent(frame)?.get('Event-Name')
        }),
      FrameError,
    )
  },
}

/** Answers of DNS, as lines `number number number host`. */
const dns: Reader = {
  name: 'answers of DNS',
  samples: texts(
    '10 60 5060 a.example.com\n20 0 5070 b.example.com\n',
    '1 1 0 SIP+D2U _sip._udp.example.com 192.0.2.1',
  ),
  read: async bytes => {
    const lines = bytes
      .toString('latin1')
      .split('\n')
      .map(line => line.split(' '))
    const client: DnsClient = {
      addresses: async () => lines.map(([ttl = '', , , address = '']) => ({ address, ttlS: Number(ttl) })),
      srv: async () =>
        lines.map(([priority, weight, port, host = '']) => ({
          priority: Number(priority),
          weight: Number(weight),
          port: Number(port) & 65_535,
          host,
        })),
      naptr: async () =>
        lines.map(([order, preference, flags = '', service = '', replacement = '']) => ({
          order: Number(order),
          preference: Number(preference),
          flags,
          service,
          regexp: '',
          replacement,
        })),
    }
    const sockets = (['udp', 'tcp', 'tls'] as const).map(proto => ({
      proto,
      address: '127.0.0.1',
      port: 5060,
      advertisedHost: null,
      advertisedPort: null,
      tag: null,
      text: `${proto}:127.0.0.1:5060`,
    }))
    const resolver = new HopResolver(new DnsCache(client, new VirtualClock()), () => sockets, {
      tryNaptr: true,
      tryIpv6: true,
    })
    const hops = await resolver.resolve('sip:bob@example.com')
    for (const { port } of hops) if (!(port > 0 && port < 65_536)) throw new Error(`a next hop with port ${port}`)
    await resolver.resolve(`sip:${bytes.toString('latin1')}`)
  },
}

/** Those that need no running proxy. */
export const READERS: readonly Reader[] = [script, filters, fifo, xmlRpc, cluster, rtpproxy, freeswitch, dns]
