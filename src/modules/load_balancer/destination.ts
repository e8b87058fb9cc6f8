import type { Located } from '../../proxy/locate.ts'
import type { Hop, ListenSocket } from '../../sip/net/endpoint.ts'
import type { Resource } from './resource.ts'

/** When a destination is probed: never, while a script has disabled it, always. */
export const ProbeMode = { never: 0, whileDisabled: 1, always: 2 } as const
export type ProbeMode = (typeof ProbeMode)[keyof typeof ProbeMode]

/** A destination as the table describes it. */
export interface DestinationData {
  readonly id: number
  readonly group: number
  readonly uri: string
  readonly resources: readonly Resource[]
  readonly probeMode: ProbeMode
  readonly attrs: string | null
}

/** One destination and what is known of it. */
export class Destination implements Located {
  readonly data: DestinationData
  readonly socketText = null
  socket: ListenSocket | null = null
  addresses: readonly Hop[] = []
  isEnabled = true
  /** Disabled by management, so not for probing to change. */
  isLocked = false
  readonly #resources: ReadonlyMap<string, Resource>

  constructor(data: DestinationData) {
    this.data = data
    this.#resources = new Map(data.resources.map(resource => [resource.name, resource]))
  }

  get uri(): string {
    return this.data.uri
  }
  /** As values of dialog profiles name it. */
  get key(): string {
    return String(this.data.id)
  }
  /** Whether probing may enable it again. */
  get isRevived(): boolean {
    return !this.isLocked && this.data.probeMode !== ProbeMode.never
  }
  /** Whether it is to be probed now. */
  get isProbed(): boolean {
    return this.isRevived && (this.data.probeMode === ProbeMode.always || !this.isEnabled)
  }

  resource(name: string): Resource | undefined {
    return this.#resources.get(name)
  }

  /** Goes on where an earlier load of the same destination was. */
  inherit({ isEnabled, isLocked, addresses }: Destination): void {
    this.isEnabled = isEnabled
    this.isLocked = isLocked
    this.addresses = addresses
  }
}
