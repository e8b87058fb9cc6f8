import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import type { NodeSpec } from './address.ts'
import { type ControlChannel, openChannel, type Patience } from './control-channel.ts'

/** The version of the control protocol that is asked for and must be answered (rtpproxy reference, control protocol). */
export const PROTOCOL_VERSION = '20040107'
/** Extensions that are used only where the proxy says that it has them. */
const EXTENSIONS = { streams: '20050322', repacketise: '20081102', notify: '20081224' } as const
export type Extension = keyof typeof EXTENSIONS

interface NodeParts {
  readonly clock: Clock
  readonly log: Log
  readonly patience: Patience
  /** How long one that does not answer is left alone. */
  readonly restMs: number
  readonly changed: (node: RtpProxyNode, status: 'active' | 'inactive') => void
}

/** One RTP proxy: whether it answers, and the way to it. */
export class RtpProxyNode {
  readonly spec: NodeSpec
  readonly index: number
  readonly extensions = new Set<Extension>()
  readonly #parts: NodeParts
  readonly #channel: ControlChannel
  /** `new`: not known yet; it may be used. */
  #state: 'new' | 'active' | 'inactive' | 'switched-off' = 'new'
  #recheck: Timer | null = null
  #recheckMs = 0

  constructor(spec: NodeSpec, index: number, parts: NodeParts) {
    this.spec = spec
    this.index = index
    this.#parts = parts
    this.#channel = openChannel(spec.address, parts.clock)
  }

  get url(): string {
    return this.spec.address.text
  }
  get isUsable(): boolean {
    return this.#state === 'new' || this.#state === 'active'
  }
  /** Seconds until it is asked again; 0 when it is in use, −1 when it was switched off. */
  get recheckS(): number {
    if (this.#state === 'switched-off') return -1
    return this.#recheck === null ? 0 : Math.ceil((this.#recheckMs - this.#parts.clock.monotonicMs()) / 1000)
  }

  /** The answer to a command; null where none came, which takes the proxy out of use for a while. */
  async ask(command: string): Promise<string | null> {
    const answer = await this.#channel.ask(command, this.#parts.patience)
    if (answer === null && this.isUsable) {
      this.#parts.log.error('an RTP proxy does not answer; it is left alone for a while', { socket: this.url })
      this.#rest()
    }
    return answer
  }

  /** Asks for its version and its extensions, and puts it into use when it has what is needed. */
  async probe(): Promise<void> {
    const version = await this.#channel.ask('V', this.#parts.patience)
    if (this.#state === 'switched-off') return
    if (version !== PROTOCOL_VERSION) {
      const { log } = this.#parts
      if (version === null) log.warn('an RTP proxy does not tell its version', { socket: this.url })
      else
        log.error('an RTP proxy has another control protocol', { socket: this.url, wanted: PROTOCOL_VERSION, version })
      this.#rest()
      return
    }
    for (const [name, number] of Object.entries(EXTENSIONS))
      if ((await this.#channel.ask(`VF ${number}`, this.#parts.patience)) === '1')
        this.extensions.add(name as Extension)
    this.#enter('active')
  }

  /** `rtpproxy:enable`: switches it off until it is switched on again. */
  switch(isOn: boolean): void {
    if (isOn) this.#enter('active')
    else this.#enter('switched-off')
  }

  close(): void {
    this.#recheck?.clear()
    this.#state = 'switched-off'
    this.#channel.close()
  }

  #rest(): void {
    const { clock, restMs } = this.#parts
    this.#enter('inactive')
    this.#recheckMs = clock.monotonicMs() + restMs
    this.#recheck = clock.after(restMs, () => {
      this.#recheck = null
      void this.probe()
    })
  }

  #enter(state: 'active' | 'inactive' | 'switched-off'): void {
    this.#recheck?.clear()
    this.#recheck = null
    const wasActive = this.#state === 'active'
    const wasKnown = this.#state !== 'new'
    this.#state = state
    const isActive = state === 'active'
    if (isActive !== wasActive || !wasKnown) this.#parts.changed(this, isActive ? 'active' : 'inactive')
  }
}
