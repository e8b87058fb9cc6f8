import type { Log } from '../../log/log.ts'
import { type Probe, Prober, type ProbeVerdict, replyCodes } from '../../proxy/prober.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Clock } from '../../util/clock.ts'
import { parseNumbers } from '../../util/parse-numbers.ts'
import type { Destination } from './destination.ts'
import type { DispatcherParams } from './params.ts'
import type { Partition } from './partition.ts'
import type { Statuses } from './status.ts'

interface ProbingParts {
  readonly params: DispatcherParams
  readonly clock: Clock
  readonly log: Log
  readonly statuses: Statuses
  /** Whether this node probes a destination, of several that share its state. */
  readonly isOurs: (partition: Partition, destination: Destination) => boolean
  readonly partitions: () => Iterable<Partition>
  readonly send: ConstructorParameters<typeof Prober>[0]['send']
  /** Where to send from, for destinations without a socket of their own. */
  readonly socket: () => ListenSocket | null
}

interface Candidate {
  readonly partition: Partition
  readonly destination: Destination
}

/**
 * A prober that takes destinations out of service and back (dispatcher reference, state machine). Throws an Error where a
 * list among the parameters cannot be read.
 */
export function destinationProber(parts: ProbingParts): Prober<Candidate> {
  const { clock, params, send } = parts
  const sets =
    params.ds_probing_list === undefined ? null : new Set(parseNumbers('ds_probing_list', params.ds_probing_list))
  return new Prober<Candidate>({
    clock,
    intervalS: params.ds_ping_interval,
    accepted: replyCodes('options_reply_codes', params.options_reply_codes),
    due: () =>
      [...parts.partitions()].flatMap(partition =>
        partition.destinations
          .filter(destination => (sets === null || sets.has(destination.data.setId)) && isDue(params, destination))
          .filter(destination => parts.isOurs(partition, destination))
          .map(destination => ({ partition, destination })),
      ),
    probe: candidate => probeFor(parts, candidate),
    send,
    judge: (candidate, verdict) => judge(parts, candidate, verdict),
  })
}

function isDue(params: DispatcherParams, destination: Destination): boolean {
  return !destination.isInactive && (destination.isProbing || isAlwaysProbed(params, destination))
}

const isAlwaysProbed = (params: DispatcherParams, { data }: Destination): boolean =>
  data.isAlwaysProbed || params.ds_probing_mode !== 0

function probeFor({ params, socket: usual }: ProbingParts, { partition, destination }: Candidate): Probe {
  const { pingFrom, pingMethod } = partition.settings
  const { socket, uri } = destination
  return {
    method: pingMethod,
    uri,
    from: `<${pingFrom}>`,
    to: `<${uri}>`,
    socket: socket ?? usual(),
    maxForwards: params.ds_ping_maxfwd,
  }
}

function judge({ log, params, statuses }: ProbingParts, candidate: Candidate, verdict: ProbeVerdict): void {
  const { partition } = candidate
  const { data, uri } = candidate.destination
  // A reload may have replaced it meanwhile, and someone may have switched it off: that is not for a probe to undo.
  const destination = partition.find(data.setId, uri)
  if (destination === undefined || destination.isInactive) return
  const { isServing, reason, status } = verdict
  if (isServing) {
    statuses.change(partition, destination, 'activate', reason)
    return
  }
  log.debug('a probe failed', { uri, status })
  if (isAlwaysProbed(params, destination)) statuses.change(partition, destination, 'probe', reason)
}
