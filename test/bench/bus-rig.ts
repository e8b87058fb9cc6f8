import { hostname } from 'node:os'
import { EventBus } from '../../src/events/bus.ts'
import type { EventType } from '../../src/events/catalogue.ts'
import type { Delivery, Health, Sink, Transport, TransportModule } from '../../src/events/transport.ts'
import { DELIVERED } from '../../src/events/transport.ts'
import { systemClock } from '../../src/util/clock.ts'
import { field } from '../../src/util/spec.ts'
import { setUpTransport, silentLog } from '../conformance/host.ts'

/** The event the benches raise: as many fields as a registration has that matter. */
const SPEC = {
  doc: 'Raised by benches.',
  fields: {
    aor: field('str', 'Address of record.'),
    uri: field('str', 'Contact.'),
    callid: field('str', 'Call-ID.'),
    cseq: field('int', 'CSeq.'),
    expires: field('int', 'Expiry.'),
    user_agent: field('str', 'User agent.'),
  },
}

const NODE = hostname()
const RUN_ID = crypto.randomUUID().slice(0, 13)

/** The names of {@link SPEC}, in wire order. */
export const BENCH_NAMES = Object.keys(SPEC.fields)

/** What {@link BenchBus.raise} raises for user `n`, for those who do without the bus. */
export const benchValues = (n: number): (string | number)[] => [
  `user${n}@example.org`,
  `sip:user${n}@192.0.2.7:5060`,
  `a84b4c76e66710-${n}@pc33.example.org`,
  n,
  3600,
  'Bench/1.0',
]

export interface BenchBus {
  readonly bus: EventBus
  readonly type: EventType
  /** Raises the event for user `n`. */
  raise(n: number): void
  close(): Promise<void>
}

/** A bus with these transports and one event. `params` are those of the transports. */
export function benchBus(
  modules: readonly TransportModule[],
  maxQueued = 65_536,
  params: Readonly<Record<string, unknown>> = {},
): BenchBus {
  const bus = new EventBus({ clock: systemClock, log: silentLog, policy: { maxQueued } })
  for (const module of modules)
    for (const transport of setUpTransport(module, params).transports) bus.registerTransport(transport)
  const type = bus.catalogue.define('E_BENCH', SPEC, 'bench')
  const raiser = bus.makeRaiser<typeof SPEC>(type)
  return {
    bus,
    type,
    raise: n =>
      raiser({
        aor: `user${n}@example.org`,
        uri: `sip:user${n}@192.0.2.7:5060`,
        callid: `a84b4c76e66710-${n}@pc33.example.org`,
        cseq: n,
        expires: 3600,
        user_agent: 'Bench/1.0',
      }),
    close: () => bus.close(AbortSignal.timeout(5000)),
  }
}

/** A transport whose sinks take everything at once: what is left is the cost of the bus. */
export class NullTransport implements Transport {
  readonly scheme = 'null'
  taken = 0

  parse(rest: string): { scheme: string; text: string; key: string } {
    return { scheme: this.scheme, text: `null:${rest}`, key: rest }
  }

  open(): Sink {
    return new NullSink(this)
  }
}

const UP: Health = { state: 'up', sinceMs: 0 }

class NullSink implements Sink {
  readonly #transport: NullTransport

  constructor(transport: NullTransport) {
    this.#transport = transport
  }

  get health(): Health {
    return UP
  }
  send(): Delivery {
    this.#transport.taken++
    return DELIVERED
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
  onHealth(): void {}
}

/** Lets the event loop turn until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

/** The identity that event `n` of a run carries beside its payload, for those who do without the bus: as long as ours. */
export const benchIdentity = (
  n: number,
): Readonly<Record<'id' | 'type' | 'time' | 'sequence' | 'node' | 'boot', string>> => ({
  id: `${RUN_ID}-7000-8000-${String(n).padStart(12, '0')}`,
  type: 'E_BENCH',
  time: new Date().toISOString(),
  sequence: String(n),
  node: NODE,
  boot: '01234567',
})

/** Events raised between two looks at how far deliveries are, and how many may wait: far more than any window. */
const AHEAD = { step: 256, most: 4096 } as const

/** Raises events for a socket until all are delivered. Rests between, so that the looking costs the sender no time. */
export async function sendThroughBus(
  events: number,
  module: TransportModule,
  socket: string,
  params: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const rig = benchBus([module], 65_536, params)
  const subscription = rig.bus.subscribe({ event: 'E_BENCH', socket, expireS: null, by: 'script' })
  await until(() => subscription.health.state === 'up')
  for (let n = 0; n < events; n++) {
    rig.raise(n)
    while (n % AHEAD.step === 0 && n - subscription.counters.delivered > AHEAD.most)
      await new Promise(resolve => setTimeout(resolve, 1))
  }
  await subscription.whenIdle()
  if (subscription.counters.delivered !== events) throw new Error(`${subscription.counters.delivered} were delivered`)
  await rig.close()
}

/** Sends numbered groups of events with a bare client, so many groups at a time. Rejects with the first that fails. */
export async function sendBare(
  groups: number,
  window: number,
  send: (group: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < groups) await send(next++)
  }
  await Promise.all(Array.from({ length: Math.min(window, groups) }, lane))
}
