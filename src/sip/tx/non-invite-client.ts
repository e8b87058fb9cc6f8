import { type TimedMachine, TimerSet } from './timer-set.ts'
import type { ClientUser, MachineSetup, TxFailure } from './transaction-user.ts'

type Letter = 'E' | 'F' | 'K'

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated'

/** The client transaction of every method but INVITE and ACK: RFC 3261 §17.1.2, figure 6. */
export class NonInviteClient<R> implements TimedMachine<Letter> {
  readonly #setup: MachineSetup
  readonly #user: ClientUser<R>
  readonly #timers: TimerSet<Letter>
  #state: NonInviteClientState = 'trying'
  /** How often timer E has been started, and with what. */
  #attempts = 0
  #timerEMs = 0

  constructor(setup: MachineSetup, user: ClientUser<R>) {
    this.#setup = setup
    this.#user = user
    this.#timers = new TimerSet(setup.clock, this)
  }

  get state(): NonInviteClientState {
    return this.#state
  }

  /** Sends the request. False: it could not be sent, and the transaction is over without a call to the owner. */
  start(): boolean {
    const { t1Ms, t2Ms, finalMs } = this.#setup.timers
    // "When entering this state, the client transaction SHOULD set timer F to fire in 64*T1 seconds." (RFC 3261 §17.1.2.2)
    this.#timers.start('F', finalMs)
    // "If an unreliable transport is in use, the client transaction MUST set timer E to fire in T1 seconds."
    // (RFC 3261 §17.1.2.2)
    if (!this.#setup.reliable) this.#startTimerE(Math.min(t1Ms, t2Ms))
    if (this.#user.transmit(0)) return true
    this.#state = 'terminated'
    this.#timers.stopAll()
    return false
  }

  /** A response matched. */
  receive(status: number, response: R): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return
    if (status < 200) {
      // "If a provisional response is received while in the "Trying" state, the response MUST be passed to the TU, and
      // then the client transaction SHOULD move to the "Proceeding" state." (RFC 3261 §17.1.2.2)
      this.#state = 'proceeding'
      this.#user.passUp(response)
    } else this.#complete(response)
  }

  /** The transport reports that the request did not go out. */
  transportError(): void {
    if (this.#state === 'trying' || this.#state === 'proceeding') this.#fail('transport')
  }

  /** Ends at once, without a word to the owner but `terminated`. */
  stop(): void {
    this.#terminate()
  }

  timerFired(letter: Letter): void {
    switch (letter) {
      case 'E':
        this.#repeat()
        return
      case 'F':
        this.#fail('timeout')
        return
      case 'K':
        this.#terminate()
    }
  }

  #startTimerE(delayMs: number): void {
    this.#attempts++
    this.#timerEMs = delayMs
    this.#timers.start('E', delayMs)
  }

  #repeat(): void {
    const attempt = this.#attempts
    const { t2Ms } = this.#setup.timers
    // "If timer E fires while still in this state, the timer is reset, but this time with a value of MIN(2*T1, T2)."
    // "If Timer E fires while in the "Proceeding" state, the request MUST be passed to the transport layer for
    // retransmission, and Timer E MUST be reset with a value of T2 seconds." (RFC 3261 §17.1.2.2)
    this.#startTimerE(this.#state === 'trying' ? Math.min(this.#timerEMs * 2, t2Ms) : t2Ms)
    if (!this.#user.transmit(attempt)) this.transportError()
  }

  #complete(response: R): void {
    // "If a final response (status codes 200-699) is received while in the "Trying" state, the response MUST be passed
    // to the TU, and the client transaction MUST transition to the "Completed" state." (RFC 3261 §17.1.2.2)
    this.#state = 'completed'
    this.#timers.stopAll()
    this.#user.passUp(response)
    // "Once the client transaction enters the "Completed" state, it MUST set Timer K to fire in T4 seconds for
    // unreliable transports, and zero seconds for reliable transports." (RFC 3261 §17.1.2.2)
    if (this.#setup.reliable) this.#terminate()
    else if (!this.#isOver()) this.#timers.start('K', this.#setup.timers.waitMs)
  }

  #fail(reason: TxFailure): void {
    // "If Timer F fires while the client transaction is still in the "Trying" state, the client transaction SHOULD
    // inform the TU about the timeout, and then it SHOULD enter the "Terminated" state." (RFC 3261 §17.1.2.2)
    this.#state = 'terminated'
    this.#timers.stopAll()
    this.#user.failed(reason)
    this.#user.terminated()
  }

  #terminate(): void {
    if (this.#isOver()) return
    this.#state = 'terminated'
    this.#timers.stopAll()
    this.#user.terminated()
  }

  /** Asked after calling the owner, who may have ended the transaction meanwhile. */
  #isOver(): boolean {
    return this.#state === 'terminated'
  }
}
