import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { splitSocket } from '../../src/events/socket-options.ts'
import { AddressError } from '../../src/events/transport.ts'
import { checkFile, startFile } from '../../src/main.ts'
import { CommandRules } from '../../src/mi/permissions.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { mutate, randomFrom } from './mutate.ts'
import { READERS, type Reader, refusing } from './readers.ts'

const SCRIPT = `
log_level=-1
loadmodule "event_datagram.so"\nloadmodule "event_rabbitmq.so"\nloadmodule "event_xmlrpc.so"\nloadmodule "event_flatstore.so"
loadmodule "event_kafka.so"\nloadmodule "event_nats.so"\nloadmodule "event_bullmq.so"\nloadmodule "event_http.so"
loadmodule "event_stream.so"\nloadmodule "event_virtual.so"
route { exit; }`

const ADDRESSES = [
  'udp:127.0.0.1:8081 [max_age=1h key=callid retries=3]',
  'unix:/run/events.sock',
  'route:E_PIKE_BLOCKED/sync',
  'flatstore:/var/log/cdr.csv [durable when_full=coalesce(callid)]',
  'https://hooks.example/cdr#secret=new,old&batch=100&tls_domain=partner',
  'kafka:a:9092,b:9092/cdr?g.client.id=proxy&t.compression.type=gzip&key=callid',
  'nats:proxy:secret@nats.example,10.0.0.2:4222/sip.{event}?stream=CDRS&tls_domain=broker',
  'rabbitmq:u:p%40ss@mq1.example,mq2.example:5673/vhost=%2Fv;exchange=events;exchange_type=topic;persistent?cdr',
  'bullmq::secret@redis.example:6380/cdrs?db=2&prefix=sip&attempts=5',
  'tcp:[::1]:8080/on_event',
  'xmlrpc:[::1]:8081/handlers/sip:on_event',
  'virtual:PARALLEL udp:127.0.0.1:1 (FAILOVER tcp:a:2 (HASH(callid) udp:[::1]:3 udp:b:4) (WEIGHTED unix:/a*3 unix:/b*1))',
  'virtual:QUORUM 2 udp:10.0.0.1:8081 udp:10.0.0.2:8081 udp:10.0.0.3:8081',
]
/** Whatever a mutation makes of a name, it must not end anything. */
const COMMANDS = 'which, help, ps, version, uptime, get_statistics, list_statistics, evi:*, !evi:subscribe, !evi:replay'
const REQUESTS = [
  { method: 'get_statistics', params: { statistics: ['core:', 'load'] } },
  { method: 'evi:explain', params: ['E_A', { a: 'b' }] },
  { method: 'evi:raise', params: { event: 'E_A', params: { a: 1, b: [2, 'c'] } } },
  { method: 'evi:dead_letters', params: [5] },
  { method: 'which' },
].map((request, id) => ({ jsonrpc: '2.0', id, ...request }))

export interface ReaderFinding {
  readonly reader: string
  readonly what: 'throw' | 'hang'
  readonly detail: string
  readonly input: Buffer
}

interface FuzzReadersOptions {
  readonly seed: number
  /** Asked before each round, in which every reader reads once. */
  readonly goesOn: (rounds: number) => boolean
  /** A reading that takes longer counts as a hang. */
  readonly hangMs: number
}

/** Gives mutated samples to everything that reads what others have written, and says what could not bear it. */
export async function fuzzReaders(options: FuzzReadersOptions): Promise<readonly ReaderFinding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-readers-'))
  const file = join(folder, 'readers.cfg')
  writeFileSync(file, SCRIPT)
  const { proxy, text } = await startFile({ file, clock: new VirtualClock(), write: () => {} })
  if (proxy === null) throw new Error(text)
  const { bus, mi } = proxy.host
  const rules = [new CommandRules(COMMANDS)]
  const addresses: Reader = {
    name: 'addresses of sockets',
    samples: ADDRESSES.map(address => Buffer.from(address)),
    read: bytes => {
      refusing(() => splitSocket(bytes.toString('utf8')), AddressError)
      refusing(() => bus.parse(bytes.toString('utf8')), AddressError)
    },
  }
  const requests: Reader = {
    name: 'management requests',
    samples: [...REQUESTS, REQUESTS].map(request => Buffer.from(JSON.stringify(request))),
    read: async bytes => {
      const answer = await mi.handle(bytes.toString('utf8'), { caller: { door: 'http', remote: 'fuzz', rules } })
      if (answer !== null) JSON.parse(answer)
    },
  }
  const configurations: Reader = {
    name: 'configurations',
    samples: READERS[0]?.samples ?? [],
    read: async bytes => {
      writeFileSync(join(folder, 'checked.cfg'), bytes)
      await checkFile({ file: join(folder, 'checked.cfg') })
    },
  }
  try {
    return await read([...READERS, addresses, requests, configurations], options)
  } finally {
    await proxy.stop(AbortSignal.abort())
    rmSync(folder, { recursive: true, force: true })
  }
}

async function read(
  readers: readonly Reader[],
  { seed, goesOn, hangMs }: FuzzReadersOptions,
): Promise<readonly ReaderFinding[]> {
  const random = randomFrom(seed)
  const findings: ReaderFinding[] = []
  for (let rounds = 0; findings.length === 0 && goesOn(rounds); rounds++)
    for (const reader of readers) {
      const { samples } = reader
      const input = mutate(samples[random(samples.length)] ?? Buffer.alloc(0), random, samples)
      const startedMs = performance.now()
      const found = (what: ReaderFinding['what'], detail: string): void =>
        void findings.push({ reader: reader.name, what, detail, input })
      try {
        await reader.read(input)
      } catch (error) {
        found('throw', error instanceof Error ? String(error.stack) : String(error))
      }
      const tookMs = performance.now() - startedMs
      if (tookMs > hangMs) found('hang', `${Math.round(tookMs)} ms`)
    }
  return findings
}
