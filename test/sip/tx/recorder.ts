import type { TxTimers } from '../../../src/sip/tx/timers.ts'
import type { MachineSetup } from '../../../src/sip/tx/transaction-user.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'

/** RFC 3261 table 4, with 64·T1 and T4 as one wait: easy to tell apart in expectations. */
export const RFC_TIMERS: TxTimers = { t1Ms: 500, t2Ms: 4000, finalMs: 32_000, waitMs: 5000 }

/** What a state machine asked of its owner, in order, each with the time since the start: `500 transmit 1`. */
export class Recorder {
  readonly clock = new VirtualClock()
  readonly lines: string[] = []
  /** Let the next transmissions fail at once. */
  isUnreachable = false

  setup(reliable: boolean): MachineSetup {
    return { clock: this.clock, timers: RFC_TIMERS, reliable }
  }

  note(what: string): void {
    this.lines.push(`${this.clock.monotonicMs()} ${what}`)
  }

  /** What was noted since the last call. */
  take(): string[] {
    return this.lines.splice(0)
  }

  readonly server = {
    transmit: (response: Buffer, attempt: number) => this.note(`transmit ${response} ${attempt}`),
    failed: (reason: string) => this.note(`failed ${reason}`),
    terminated: () => this.note('terminated'),
  }

  readonly client = {
    transmit: (attempt: number) => {
      this.note(`transmit ${attempt}`)
      return !this.isUnreachable
    },
    acknowledge: (response: string) => this.note(`ack ${response}`),
    passUp: (response: string) => this.note(`up ${response}`),
    failed: (reason: string) => this.note(`failed ${reason}`),
    terminated: () => this.note('terminated'),
  }
}
