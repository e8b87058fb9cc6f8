import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Address,
  DELIVERED,
  type Delivery,
  type Sink,
  type Transport,
  type TransportHost,
} from '../../../src/events/transport.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import type { VirtualAddress } from '../../../transports/virtual/address.ts'
import virtual from '../../../transports/virtual/index.ts'
import { hashed, inOrder, type Picker, roundRobin, weighted } from '../../../transports/virtual/pickers.ts'
import { setUpTransport, silentLog } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { DOUBTFUL, IMPOSSIBLE, MemorySink, REFUSED } from '../../events/memory-transport.ts'
import { BEHAVIOURS, type Behaviour, type Group, Model, type Tree } from './model.ts'

const REST_S = 30
const DEADLINE_MS = 9_000
const ANSWERS: Readonly<Record<Exclude<Behaviour, 'slow'>, Delivery>> = {
  delivered: DELIVERED,
  failed: REFUSED,
  refused: IMPOSSIBLE,
  unknown: DOUBTFUL,
}

/** What the leaves do with one event, and how long after the one before it comes. */
interface Step {
  readonly does: Readonly<Record<string, Behaviour>>
  readonly gapMs: number
}

const textOf = (tree: Tree): string => {
  if ('leaf' in tree) return `mem:${tree.leaf}`
  const needed = tree.needed === undefined ? '' : ` ${tree.needed}`
  const weight = tree.policy === 'WEIGHTED' ? '*1' : ''
  return `(${tree.policy}${needed} ${tree.children.map(child => textOf(child) + weight).join(' ')})`
}

/** The same tree as sinks over leaves in memory. */
function open(tree: Tree) {
  const clock = new VirtualClock()
  const [transport] = setUpTransport(virtual, { failover_timeout: REST_S }, clock).transports
  const leaves = new Map<string, MemorySink>()
  const leaf = (name: string): MemorySink => {
    const known = leaves.get(name) ?? new MemorySink()
    leaves.set(name, known)
    return known
  }
  const host = {
    clock,
    log: silentLog,
    route: () => undefined,
    parse: (text: string): Address => ({ scheme: 'mem', text, key: text }),
    sink: (address: Address): Sink =>
      address.scheme === 'virtual'
        ? (transport as Transport).open(address, host as never)
        : leaf(address.text.slice(4)),
  }
  const address = (transport as Transport<VirtualAddress>).parse(textOf(tree).slice(1, -1), host)
  return { clock, leaf, sink: (transport as Transport).open(address, host as unknown as TransportHost) }
}

const NAMES = ['n', 'callid']
const eventOf = (n: number) => sampleEvent('E', NAMES, [n, `call${n % 3}`])

function pickerOf(tree: Group): Picker {
  const count = tree.children.length
  if (tree.policy === 'ROUND-ROBIN') return roundRobin(count)
  if (tree.policy === 'WEIGHTED') return weighted(tree.children.map(() => 1))
  if (tree.policy.startsWith('HASH'))
    return hashed(
      'callid',
      tree.children.map(child => ('leaf' in child ? textOf(child) : `virtual:${textOf(child).slice(1, -1)}`)),
    )
  return inOrder(count)
}

/** Runs the steps through the sinks and through the model; both must tell the same story. */
async function compare(tree: Tree, steps: readonly Step[]): Promise<void> {
  const { clock, leaf, sink } = open(tree)
  const model = new Model(REST_S * 1000)
  const pickers = new Map<Tree, Picker>()
  for (const [n, { does, gapMs }] of steps.entries()) {
    const event = eventOf(n)
    const tried: string[] = []
    for (const [name, behaviour] of Object.entries(does))
      leaf(name).answer = (_, deadlineMs) => {
        tried.push(name)
        if (behaviour !== 'slow') return n % 2 === 0 ? ANSWERS[behaviour] : Promise.resolve(ANSWERS[behaviour])
        return new Promise(resolve => clock.after(deadlineMs - clock.monotonicMs(), () => resolve(DOUBTFUL)))
      }
    const startMs = clock.monotonicMs()
    let outcome: Delivery | undefined
    void Promise.resolve(sink.send(event, startMs + DEADLINE_MS)).then(delivery => (outcome = delivery))
    await clock.advance(DEADLINE_MS)
    const expected = model.send(
      tree,
      startMs,
      startMs + DEADLINE_MS,
      name => does[name] as Behaviour,
      one => {
        if ('leaf' in one) return []
        const pick = pickers.get(one) ?? pickerOf(one)
        pickers.set(one, pick)
        return pick(event)
      },
    )
    const told =
      outcome === undefined
        ? 'nothing'
        : outcome.outcome === 'failed' && outcome.error.permanent
          ? 'refused'
          : outcome.outcome
    const story = `${textOf(tree)} event ${n} ${JSON.stringify(steps.slice(0, n + 1))}`
    expect({ story, told, tried: tried.toSorted() }).toEqual({
      story,
      told: expected.outcome,
      tried: model.tried.splice(0).toSorted(),
    })
    await clock.advance(gapMs)
  }
}

const NAMES_OF_LEAVES = ['a', 'b', 'c']
const POLICIES = ['PARALLEL', 'FAILOVER', 'ROUND-ROBIN', 'QUORUM 1', 'QUORUM 2', 'QUORUM 3', 'WEIGHTED', 'HASH(callid)']

function flat(policy: string, count: number): Tree | undefined {
  const children = NAMES_OF_LEAVES.slice(0, count).map(leaf => ({ leaf }))
  const [name = '', needed] = policy.split(' ')
  if (needed === undefined) return { policy: name, children }
  return Number(needed) > count ? undefined : { policy: name, needed: Number(needed), children }
}

/** Every way in which so many leaves can behave. */
function everyBehaviour(count: number): Record<string, Behaviour>[] {
  let rows: Record<string, Behaviour>[] = [{}]
  for (const name of NAMES_OF_LEAVES.slice(0, count))
    rows = rows.flatMap(row => BEHAVIOURS.map(behaviour => ({ ...row, [name]: behaviour })))
  return rows
}

describe('the table of policies', () => {
  it.each(POLICIES)(
    '%s does what the model says, whatever its children do, and again while those that failed rest',
    async policy => {
      for (const count of [1, 2, 3]) {
        const tree = flat(policy, count)
        if (tree === undefined) continue
        for (const does of everyBehaviour(count)) {
          const well = Object.fromEntries(Object.keys(does).map(name => [name, 'delivered' as const]))
          await compare(tree, [
            { does, gapMs: 1_000 },
            { does: well, gapMs: 31_000 },
            { does: well, gapMs: 0 },
          ])
        }
      }
    },
  )

  const leaves = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
  const policyOf = (count: number) =>
    fc.oneof(
      fc.constantFrom('PARALLEL', 'FAILOVER', 'ROUND-ROBIN', 'WEIGHTED', 'HASH(callid)').map(policy => ({ policy })),
      fc.integer({ min: 1, max: count }).map(needed => ({ policy: 'QUORUM', needed })),
    )
  const inner = (i: number): fc.Arbitrary<Tree> => {
    const own = leaves.slice(i * 3, i * 3 + 3)
    return fc
      .integer({ min: 0, max: 3 })
      .chain(
        (count): fc.Arbitrary<Tree> =>
          count === 0
            ? fc.constant({ leaf: own[0] as string })
            : policyOf(count).map(policy => ({ ...policy, children: own.slice(0, count).map(leaf => ({ leaf })) })),
      )
  }
  const outer = fc
    .integer({ min: 1, max: 3 })
    .chain(count => fc.tuple(policyOf(count), fc.tuple(...Array.from({ length: count }, (_, i) => inner(i)))))
    .map(([policy, children]): Tree => ({ ...policy, children }))
  const step = fc.record({
    does: fc
      .tuple(...leaves.map(() => fc.constantFrom(...BEHAVIOURS)))
      .map(all => Object.fromEntries(all.map((one, i) => [leaves[i], one])) as Record<string, Behaviour>),
    gapMs: fc.constantFrom(1_000, 11_000, 31_000),
  })

  it('trees two deep over flapping children do what the model says, event by event', async () => {
    await fc.assert(fc.asyncProperty(outer, fc.array(step, { minLength: 1, maxLength: 6 }), compare), { numRuns: 250 })
  }, 60_000)
})
