import type { Located } from '../../proxy/locate.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Hop, ListenSocket } from '../../sip/net/endpoint.ts'

/** When a gateway is probed: never, while it is disabled, always. */
export const ProbeMode = { never: 0, whileDisabled: 1, always: 2 } as const
export type ProbeMode = (typeof ProbeMode)[keyof typeof ProbeMode]

/** State of a gateway as the table keeps it: 1 is for people to change, 2 for probing. */
export const State = { active: 0, locked: 1, disabled: 2 } as const
export type State = (typeof State)[keyof typeof State]

/** State of a gateway as events tell it. */
export type StatusText = 'active' | 'inactive' | 'probing' | 'disabled MI'

/** A gateway as the table describes it. */
export interface GatewayData {
  readonly id: string
  readonly type: number
  /** `host[:port]` or a SIP URI without user, as provisioned. */
  readonly address: string
  /** How many characters are taken off the number. */
  readonly strip: number
  /** What is then put before it. */
  readonly prefix: string
  readonly attrs: string | null
  readonly probeMode: ProbeMode
  readonly state: State
  readonly socketText: string | null
}

/** Where calls leave to. */
export class Gateway implements Located {
  readonly data: GatewayData
  /** `sip:` and the address. */
  readonly uri: string
  /** 0 where the address has none. */
  readonly port: number
  state: State
  /** Its state is not in the database yet. */
  isUnsaved = false
  socket: ListenSocket | null = null
  addresses: readonly Hop[] = []

  constructor(data: GatewayData) {
    this.data = data
    this.state = data.state
    this.uri = addressUri(data.address)
    this.port = parseUri(this.uri)?.port ?? 0
  }

  get id(): string {
    return this.data.id
  }
  get socketText(): string | null {
    return this.data.socketText
  }
  get isActive(): boolean {
    return this.state === State.active
  }
  /** Whether it is to be probed now. */
  get isProbed(): boolean {
    if (this.state === State.locked || this.data.probeMode === ProbeMode.never) return false
    return this.state === State.disabled || this.data.probeMode === ProbeMode.always
  }
  get status(): StatusText {
    if (this.state === State.active) return 'active'
    if (this.state === State.locked) return 'disabled MI'
    return this.data.probeMode === ProbeMode.whileDisabled ? 'probing' : 'inactive'
  }

  /** Goes on where an earlier load of the same gateway was. */
  inherit({ state, isUnsaved, addresses }: Gateway): void {
    this.state = state
    this.isUnsaved = isUnsaved
    this.addresses = addresses
  }
}

/** The URI of an address as provisioned; it need not be one. */
export const addressUri = (address: string): string => (/^sips?:/i.test(address) ? address : `sip:${address}`)
