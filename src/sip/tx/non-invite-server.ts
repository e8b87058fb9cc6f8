import { type TimedMachine, TimerSet } from './timer-set.ts'
import type { MachineSetup, ServerUser } from './transaction-user.ts'

type Letter = 'J' | 'release'

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated'

/** The server transaction of every method but INVITE and ACK: RFC 3261 §17.2.2, figure 8. */
export class NonInviteServer implements TimedMachine<Letter> {
  readonly #setup: MachineSetup
  readonly #user: ServerUser
  readonly #timers: TimerSet<Letter>
  #state: NonInviteServerState = 'trying'
  #last: Buffer | null = null

  constructor(setup: MachineSetup, user: ServerUser) {
    this.#setup = setup
    this.#user = user
    this.#timers = new TimerSet(setup.clock, this)
  }

  get state(): NonInviteServerState {
    return this.#state
  }

  /** The same request came again. */
  receiveRequest(): void {
    switch (this.#state) {
      // "Once in the "Trying" state, any further request retransmissions are discarded." (RFC 3261 §17.2.2)
      case 'trying':
      case 'terminated':
        return
      // "If a retransmission of the request is received while in the "Proceeding" state, the most recently sent
      // provisional response MUST be passed to the transport layer for retransmission." (RFC 3261 §17.2.2)
      case 'proceeding':
      // "While in the "Completed" state, the server transaction MUST pass the final response to the transport layer for
      // retransmission whenever a retransmission of the request is received." (RFC 3261 §17.2.2)
      case 'completed':
        if (this.#last !== null) this.#user.transmit(this.#last, 0)
        return
    }
  }

  /** The owner has a response to send. False: a final one went before, so this one is discarded. */
  respond(status: number, response: Buffer): boolean {
    // "Any other final responses passed by the TU to the server transaction MUST be discarded while in the "Completed"
    // state." (RFC 3261 §17.2.2)
    if (this.#state === 'completed' || this.#state === 'terminated') return false
    this.#timers.stop('release')
    this.#last = response
    this.#state = status < 200 ? 'proceeding' : 'completed'
    this.#user.transmit(response, 0)
    if (status >= 200) this.#startTimerJ()
    return true
  }

  /** A response could not be sent. */
  transportError(): void {
    if (this.#state === 'proceeding' || this.#state === 'completed') this.#user.failed('transport')
  }

  /** The owner will not answer: ends after the time in which retransmissions are to be expected. */
  abandon(): void {
    if (this.#state === 'trying' || this.#state === 'proceeding')
      this.#timers.start('release', this.#setup.timers.waitMs)
  }

  /** Both of its timers are waits for its end. */
  timerFired(): void {
    this.#terminate()
  }

  /** Ends at once, without a word to the owner but `terminated`. */
  stop(): void {
    this.#terminate()
  }

  #startTimerJ(): void {
    // "When the server transaction enters the "Completed" state, it MUST set Timer J to fire in 64*T1 seconds for
    // unreliable transports, and zero seconds for reliable transports." (RFC 3261 §17.2.2)
    if (this.#setup.reliable) this.#terminate()
    else if (this.#state === 'completed') this.#timers.start('J', this.#setup.timers.waitMs)
  }

  #terminate(): void {
    if (this.#state === 'terminated') return
    this.#state = 'terminated'
    this.#timers.stopAll()
    this.#user.terminated()
  }
}
