import { Prober, type ProbeVerdict, replyCodes } from '../../proxy/prober.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Clock } from '../../util/clock.ts'
import { type Gateway, ProbeMode, State } from './gateway.ts'
import type { DroutingParams } from './params.ts'
import type { Partition } from './partition.ts'
import type { Registry } from './registry.ts'
import type { Statuses } from './status.ts'

interface ProbingParts {
  readonly params: DroutingParams
  readonly clock: Clock
  readonly registry: Registry
  readonly statuses: Statuses
  /** Whether this node probes a gateway, of several that share its state. */
  readonly isOurs: (partition: Partition, gateway: Gateway) => boolean
  readonly probing: { readonly isOn: boolean }
  readonly send: ConstructorParameters<typeof Prober>[0]['send']
  /** Where to send from, for gateways without a socket of their own. */
  readonly socket: () => ListenSocket | null
}

interface Candidate {
  readonly partition: Partition
  readonly gateway: Gateway
}

/** A prober of gateways (drouting reference, gateway state). Throws an Error where a parameter cannot be read. */
export function gatewayProber(parts: ProbingParts): Prober<Candidate> {
  const { clock, params, probing, registry, send } = parts
  return new Prober<Candidate>({
    clock,
    intervalS: params.probing_interval,
    accepted: replyCodes('probing_reply_codes', params.probing_reply_codes),
    due: () =>
      probing.isOn
        ? registry.all.flatMap(partition =>
            [...partition.data.gateways.values()]
              .filter(gateway => gateway.isProbed && parts.isOurs(partition, gateway))
              .map(gateway => ({ partition, gateway })),
          )
        : [],
    probe: ({ gateway: { uri, socket } }) => ({
      method: params.probing_method,
      uri,
      from: `<${params.probing_from}>`,
      to: `<${uri}>`,
      socket: socket ?? parts.socket(),
    }),
    send,
    judge: (candidate, verdict) => judge(parts, candidate, verdict),
  })
}

function judge({ statuses }: ProbingParts, { partition, gateway: { id } }: Candidate, verdict: ProbeVerdict): void {
  // A reload may have replaced it meanwhile, and someone may have switched it off.
  const gateway = partition.data.gateways.get(id)
  if (gateway === undefined || gateway.state === State.locked) return
  if (verdict.isServing) statuses.change(partition, gateway, 'enable', verdict.reason)
  else if (gateway.data.probeMode === ProbeMode.always) statuses.change(partition, gateway, 'disable', verdict.reason)
}
