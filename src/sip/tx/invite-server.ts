import { type TimedMachine, TimerSet } from './timer-set.ts'
import type { MachineSetup, ServerUser, TxFailure } from './transaction-user.ts'

type Letter = 'G' | 'H' | 'I' | 'L' | 'release'

export type InviteServerState = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated'

/**
 * The INVITE server transaction: RFC 3261 §17.2.1, figure 7, with the Accepted state of RFC 6026 §7.1.
 * The 100 (Trying) of §17.2.1 is the owner's to send.
 */
export class InviteServer implements TimedMachine<Letter> {
  readonly #setup: MachineSetup
  readonly #user: ServerUser
  readonly #timers: TimerSet<Letter>
  #state: InviteServerState = 'proceeding'
  #last: Buffer | null = null
  /** How often timer G has been started, and with what. */
  #attempts = 0
  #timerGMs = 0

  constructor(setup: MachineSetup, user: ServerUser) {
    this.#setup = setup
    this.#user = user
    this.#timers = new TimerSet(setup.clock, this)
  }

  get state(): InviteServerState {
    return this.#state
  }

  /** The same INVITE came again. */
  receiveRequest(): void {
    switch (this.#state) {
      // "If a request retransmission is received while in the "Proceeding" state, the most recent provisional response
      // that was received from the TU MUST be passed to the transport layer for retransmission." (RFC 3261 §17.2.1)
      case 'proceeding':
      // "Furthermore, while in the "Completed" state, if a request retransmission is received, the server SHOULD pass
      // the response to the transport for retransmission." (RFC 3261 §17.2.1)
      case 'completed':
        if (this.#last !== null) this.#user.transmit(this.#last, 0)
        return
      // "The purpose of the "Accepted" state is to absorb retransmissions of an accepted INVITE request."
      // (RFC 6026 §7.1)
      case 'accepted':
      case 'confirmed':
      case 'terminated':
        return
    }
  }

  /** An ACK matched. True: it ends here. False: it acknowledges a 2xx and belongs to the owner. */
  receiveAck(): boolean {
    switch (this.#state) {
      // "If an ACK is received while the server transaction is in the "Completed" state, the server transaction MUST
      // transition to the "Confirmed" state." (RFC 3261 §17.2.1)
      case 'completed':
        this.#confirm()
        return true
      // "The purpose of the "Confirmed" state is to absorb any additional ACK messages that arrive, triggered from
      // retransmissions of the final response." (RFC 3261 §17.2.1)
      case 'confirmed':
        return true
      case 'proceeding':
      case 'accepted':
      case 'terminated':
        return false
    }
  }

  /** The owner has a response to send. False: it came too late in this state and is discarded. */
  respond(status: number, response: Buffer): boolean {
    if (this.#state === 'accepted') return this.#respondAccepted(status, response)
    if (this.#state !== 'proceeding') return false
    this.#timers.stop('release')
    this.#last = response
    if (status >= 300) this.#complete()
    else if (status >= 200) this.#accept()
    this.#user.transmit(response, 0)
    // Retransmissions of an accepted INVITE are not answered.
    if (status >= 200 && status < 300) this.#last = null
    return true
  }

  /** A response could not be sent. */
  transportError(): void {
    // Figure 7 as RFC 6026 redraws it: the owner is told and the state stays, so that a later attempt may still succeed.
    if (this.#state === 'proceeding' || this.#state === 'completed') this.#user.failed('transport')
  }

  /** The owner will not answer: ends after the time in which retransmissions are to be expected. */
  abandon(): void {
    if (this.#state === 'proceeding') this.#timers.start('release', this.#setup.timers.waitMs)
  }

  /** Ends at once, without a word to the owner but `terminated`. */
  stop(): void {
    this.#terminate()
  }

  #respondAccepted(status: number, response: Buffer): boolean {
    // "While in the "Accepted" state, if the TU passes a 2xx response, the server transaction MUST pass the response to
    // the transport layer for transmission." (RFC 6026 §7.1)
    if (status < 200 || status > 299) return false
    this.#user.transmit(response, 0)
    return true
  }

  #accept(): void {
    this.#state = 'accepted'
    // "When the INVITE server transaction enters the "Accepted" state, Timer L MUST be set to fire in 64*T1 for all
    // transports." (RFC 6026 §7.1)
    this.#timers.start('L', this.#setup.timers.waitMs)
  }

  #complete(): void {
    this.#state = 'completed'
    const { t1Ms, finalMs } = this.#setup.timers
    // "For unreliable transports, timer G is set to fire in T1 seconds, and is not set to fire for reliable transports."
    // (RFC 3261 §17.2.1)
    if (!this.#setup.reliable) this.#startTimerG(Math.min(t1Ms, this.#setup.timers.t2Ms))
    // "When the "Completed" state is entered, timer H MUST be set to fire in 64*T1 seconds for all transports."
    // (RFC 3261 §17.2.1)
    this.#timers.start('H', finalMs)
  }

  timerFired(letter: Letter): void {
    switch (letter) {
      case 'G':
        this.#repeat()
        return
      case 'H':
        this.#fail('timeout')
        return
      case 'I':
      case 'L':
      case 'release':
        this.#terminate()
    }
  }

  #startTimerG(delayMs: number): void {
    this.#attempts++
    this.#timerGMs = delayMs
    this.#timers.start('G', delayMs)
  }

  #repeat(): void {
    if (this.#last === null) return
    const attempt = this.#attempts
    // "If timer G fires, the response is passed to the transport layer once more for retransmission, and timer G is
    // set to fire in MIN(2*T1, T2) seconds. From then on, when timer G fires, […] timer G is reset with a value that
    // doubles, unless that value exceeds T2, in which case it is reset with the value of T2." (RFC 3261 §17.2.1)
    this.#startTimerG(Math.min(this.#timerGMs * 2, this.#setup.timers.t2Ms))
    this.#user.transmit(this.#last, attempt)
  }

  #confirm(): void {
    this.#state = 'confirmed'
    this.#timers.stopAll()
    // "When this state is entered, timer I is set to fire in T4 seconds for unreliable transports, and zero seconds for
    // reliable transports." (RFC 3261 §17.2.1)
    if (this.#setup.reliable) this.#terminate()
    else this.#timers.start('I', this.#setup.timers.waitMs)
  }

  #fail(reason: TxFailure): void {
    // "If timer H fires while in the "Completed" state, it implies that the ACK was never received. In this case, the
    // server transaction MUST transition to the "Terminated" state, and MUST indicate to the TU that a transaction
    // failure has occurred." (RFC 3261 §17.2.1)
    this.#state = 'terminated'
    this.#timers.stopAll()
    this.#user.failed(reason)
    this.#user.terminated()
  }

  #terminate(): void {
    if (this.#state === 'terminated') return
    this.#state = 'terminated'
    this.#timers.stopAll()
    this.#user.terminated()
  }
}
