import {
  type Address,
  defineTransport,
  type Sink,
  type Transport,
  type TransportHost,
} from '../../src/events/transport.ts'
import { counter, param } from '../../src/util/spec.ts'
import { type Policy, parseVirtual, type VirtualAddress } from './address.ts'
import type { Member } from './composite-sink.ts'
import { ParallelSink } from './parallel-sink.ts'
import { hashed, inOrder, type Picker, roundRobin, weighted } from './pickers.ts'
import { SequenceSink } from './sequence-sink.ts'

/** One socket that stands for several (events reference §3.5). */
export default defineTransport(
  {
    module: 'event_virtual',
    doc: 'Sends events to several sockets by a policy. PARALLEL: to each of them, with a queue for each. QUORUM n: to each of them; delivered when n have it. FAILOVER: to the first that takes it, by its real outcome. ROUND-ROBIN: to one after the other. WEIGHTED: to each for its share. HASH(field): events with the same value of a field to the same one. A policy in parentheses can stand where a socket can. A socket that failed is left out for a while, then tried with one event; while all are away events wait.',
    grammar:
      '"virtual:" tree; tree = ( "PARALLEL" | "FAILOVER" | "ROUND-ROBIN" | "QUORUM" number | "WEIGHTED" | "HASH(" field ")" ) { child }; child = ( socket | "(" tree ")" ) [ "*" weight ]; blanks between all words',
    examples: [
      'virtual:PARALLEL udp:127.0.0.1:8081  udp:127.0.0.1:8082',
      'virtual:FAILOVER unix:/run/a.sock udp:127.0.0.1:8082',
      'virtual:FAILOVER (PARALLEL udp:10.0.0.1:8081 udp:10.0.0.2:8081) unix:/run/spare.sock',
      'virtual:QUORUM 2 udp:10.0.0.1:8081 udp:10.0.0.2:8081 udp:10.0.0.3:8081',
      'virtual:WEIGHTED udp:10.0.0.1:8081*3 udp:10.0.0.2:8081*1',
      'virtual:HASH(callid) udp:10.0.0.1:8081 udp:10.0.0.2:8081',
    ],
    promises: { ordered: true, delivered: 'accepted', noticesAbsence: true },
    params: {
      failover_timeout: param(
        'int',
        30,
        'How long a socket that failed is left out, unless it says before that it is up.',
        {
          unit: 's',
        },
      ),
      failover_failures: param('int', 1, 'Failures in a row after which a socket is left out.'),
    },
    stats: {
      failovers: counter('Events that another socket got after one had failed.'),
      maybe_duplicates: counter('Of these, events that the failed socket may have taken too.'),
    },
  },
  ({ params, clock, stats }) => {
    const counters = { failovers: stats.failovers, maybeDuplicates: stats.maybe_duplicates }
    const breaker = { failures: Math.max(1, params.failover_failures), restMs: params.failover_timeout * 1000 }
    const compose = ({ policy, children: addresses }: VirtualAddress, members: readonly Member[]): Sink => {
      if (policy.name === 'PARALLEL') return new ParallelSink(members, clock)
      if (policy.name === 'QUORUM') return new ParallelSink(members, clock, policy.needed)
      return new SequenceSink(members, clock, pickerOf(policy, addresses), counters, breaker)
    }
    const virtual: Transport<VirtualAddress> = {
      scheme: 'virtual',
      parse: parseVirtual,
      open: (address, host) => compose(address, openChildren(address, host)),
      fanOut: address => (address.policy.name === 'PARALLEL' ? address.children : undefined),
      perSubscription: true,
    }
    return { transports: [virtual] }
  },
)

function pickerOf(policy: Exclude<Policy, { name: 'PARALLEL' | 'QUORUM' }>, children: readonly Address[]): Picker {
  switch (policy.name) {
    case 'ROUND-ROBIN':
      return roundRobin(children.length)
    case 'WEIGHTED':
      return weighted(policy.weights)
    case 'HASH':
      return hashed(
        policy.field,
        children.map(child => child.text),
      )
    default:
      return inOrder(children.length)
  }
}

/** Opens all children, or none. */
function openChildren(address: VirtualAddress, host: TransportHost): readonly Member[] {
  const opened: Member[] = []
  try {
    for (const child of address.children) opened.push({ socket: child.text, sink: host.sink(child) })
    return opened
  } catch (error) {
    for (const { sink } of opened) void sink.close(AbortSignal.abort())
    throw error
  }
}
