import { Prober, type ProbeVerdict, replyCodes } from '../../proxy/prober.ts'
import type { Clock } from '../../util/clock.ts'
import { type Destination, ProbeMode } from './destination.ts'
import type { LoadBalancerParams } from './params.ts'
import type { Registry } from './registry.ts'

interface ProbingParts {
  readonly params: LoadBalancerParams
  readonly clock: Clock
  readonly registry: Registry
  /** Whether this node probes a destination, of several that share its state. */
  readonly isOurs: (destination: Destination) => boolean
  readonly send: ConstructorParameters<typeof Prober>[0]['send']
}

/** A prober of destinations (load_balancer reference, probing). Throws an Error where a parameter cannot be read. */
export function destinationProber({ params, clock, registry, isOurs, send }: ProbingParts): Prober<Destination> {
  const judge = ({ data }: Destination, { isServing, reason }: ProbeVerdict): void => {
    // A reload may have replaced it meanwhile, and someone may have switched it off.
    const destination = registry.find(data.id)
    if (destination === undefined || !destination.isRevived) return
    if (isServing || destination.data.probeMode === ProbeMode.always)
      registry.switch(destination, isServing, reason, params.probing_verbose !== 0)
  }
  return new Prober<Destination>({
    clock,
    intervalS: params.probing_interval,
    accepted: replyCodes('probing_reply_codes', params.probing_reply_codes),
    due: () => registry.all.filter(destination => destination.isProbed && isOurs(destination)),
    probe: ({ uri }) => ({
      method: params.probing_method,
      uri,
      from: `<${params.probing_from}>`,
      to: `<${uri}>`,
      socket: null,
    }),
    send,
    judge,
  })
}
