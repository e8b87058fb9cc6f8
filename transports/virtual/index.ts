import { defineTransport, type Sink, type Transport, type TransportHost } from '../../src/events/transport.ts'
import { counter, param } from '../../src/util/spec.ts'
import { parseVirtual, type VirtualAddress } from './address.ts'
import { ParallelSink } from './parallel-sink.ts'
import { FailoverSink, RoundRobinSink } from './sequence-sink.ts'

/** One socket that stands for several (events reference §3.5). */
export default defineTransport(
  {
    module: 'event_virtual',
    doc: 'Sends events to several sockets by a policy. PARALLEL: to each of them, with a queue for each. FAILOVER: to the first that takes it, by its real outcome. ROUND-ROBIN: to one after the other, leaving out those that are away.',
    grammar: '"virtual:" ( "PARALLEL" | "FAILOVER" | "ROUND-ROBIN" ) blanks socket { blanks socket }',
    examples: [
      'virtual:PARALLEL udp:127.0.0.1:8081  udp:127.0.0.1:8082',
      'virtual:FAILOVER unix:/run/a.sock udp:127.0.0.1:8082',
    ],
    promises: { ordered: true, delivered: 'accepted', noticesAbsence: true },
    params: {
      failover_timeout: param(
        'int',
        30,
        'How long FAILOVER leaves out a socket that failed, unless it recovers before.',
        {
          unit: 's',
        },
      ),
    },
    stats: {
      failovers: counter('Events that another socket got after one had failed.'),
      maybe_duplicates: counter('Of these, events that the failed socket may have taken too.'),
    },
  },
  ({ params, clock, stats }) => {
    const counters = { failovers: stats.failovers, maybeDuplicates: stats.maybe_duplicates }
    const compose = (address: VirtualAddress, children: readonly Sink[]): Sink => {
      switch (address.policy) {
        case 'PARALLEL':
          return new ParallelSink(children, clock)
        case 'FAILOVER':
          return new FailoverSink(children, clock, counters, params.failover_timeout * 1000)
        case 'ROUND-ROBIN':
          return new RoundRobinSink(children, clock, counters)
      }
    }
    const virtual: Transport<VirtualAddress> = {
      scheme: 'virtual',
      parse: parseVirtual,
      open: (address, host) => compose(address, openChildren(address, host)),
      fanOut: address => (address.policy === 'PARALLEL' ? address.children : undefined),
      perSubscription: true,
    }
    return { transports: [virtual] }
  },
)

/** Opens all children, or none. */
function openChildren(address: VirtualAddress, host: TransportHost): readonly Sink[] {
  const opened: Sink[] = []
  try {
    for (const child of address.children) opened.push(host.sink(child))
    return opened
  } catch (error) {
    for (const sink of opened) void sink.close(AbortSignal.abort())
    throw error
  }
}
