import { type TimedMachine, TimerSet } from './timer-set.ts'
import type { InviteClientUser, MachineSetup, TxFailure } from './transaction-user.ts'

type Letter = 'A' | 'B' | 'D' | 'M' | 'cancel'

export type InviteClientState = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated'

/** The INVITE client transaction: RFC 3261 §17.1.1, figure 5, with the Accepted state of RFC 6026 §7.2. */
export class InviteClient<R> implements TimedMachine<Letter> {
  readonly #setup: MachineSetup
  readonly #user: InviteClientUser<R>
  readonly #timers: TimerSet<Letter>
  #state: InviteClientState = 'calling'
  /** How often timer A has been started, and with what. */
  #attempts = 0
  #timerAMs = 0

  constructor(setup: MachineSetup, user: InviteClientUser<R>) {
    this.#setup = setup
    this.#user = user
    this.#timers = new TimerSet(setup.clock, this)
  }

  get state(): InviteClientState {
    return this.#state
  }

  /** Sends the INVITE. False: it could not be sent, and the transaction is over without a call to the owner. */
  start(): boolean {
    const { t1Ms, t2Ms, finalMs } = this.#setup.timers
    // "If an unreliable transport is being used, the client transaction MUST start timer A with a value of T1."
    // (RFC 3261 §17.1.1.2)
    if (!this.#setup.reliable) this.#startTimerA(Math.min(t1Ms, t2Ms))
    // "For any transport, the client transaction MUST start timer B with a value of 64*T1 seconds" (RFC 3261 §17.1.1.2)
    this.#timers.start('B', finalMs)
    if (this.#user.transmit(0)) return true
    this.#state = 'terminated'
    this.#timers.stopAll()
    return false
  }

  /** A response matched. */
  receive(status: number, response: R): void {
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
        if (status < 200) this.#proceed(response)
        else if (status < 300) this.#accept(response)
        else this.#complete(response)
        return
      case 'accepted':
        // "A 2xx response received while in the "Accepted" state MUST be passed to the TU and the machine remains in
        // the "Accepted" state." (RFC 6026 §7.2)
        if (status >= 200 && status < 300) this.#user.passUp(response)
        return
      case 'completed':
        // "Any retransmissions of the final response that are received while in the "Completed" state MUST cause the ACK
        // to be re-passed to the transport layer for retransmission, but the newly received response MUST NOT be passed
        // up to the TU." (RFC 3261 §17.1.1.2)
        if (status >= 300) this.#user.acknowledge(response)
        return
      case 'terminated':
        return
    }
  }

  /** The transport reports that the request did not go out. */
  transportError(): void {
    // "The client transaction SHOULD inform the TU that a transport failure has occurred, and the client transaction
    // SHOULD transition directly to the "Terminated" state." (RFC 3261 §17.1.4) From Completed it is the ACK that failed.
    if (this.#state === 'calling' || this.#state === 'completed') this.#fail('transport')
  }

  /** The owner has sent a CANCEL for this request. */
  cancelled(): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return
    // "If there is no final response for the original request in 64*T1 seconds […], the client SHOULD then consider the
    // original transaction cancelled and SHOULD destroy the client transaction handling the original request."
    // (RFC 3261 §9.1)
    this.#timers.start('cancel', this.#setup.timers.finalMs)
  }

  /** Ends at once, without a word to the owner but `terminated`. */
  stop(): void {
    this.#terminate()
  }

  timerFired(letter: Letter): void {
    switch (letter) {
      case 'A':
        this.#repeat()
        return
      case 'B':
      case 'cancel':
        this.#fail('timeout')
        return
      case 'D':
      case 'M':
        this.#terminate()
    }
  }

  #startTimerA(delayMs: number): void {
    this.#attempts++
    this.#timerAMs = delayMs
    this.#timers.start('A', delayMs)
  }

  #repeat(): void {
    const attempt = this.#attempts
    // "When timer A fires, the client transaction MUST retransmit the request by passing it to the transport layer,
    // and MUST reset the timer with a value of 2*T1." (RFC 3261 §17.1.1.2) OpenSIPS stops the doubling at T2.
    this.#startTimerA(Math.min(this.#timerAMs * 2, this.#setup.timers.t2Ms))
    if (!this.#user.transmit(attempt)) this.transportError()
  }

  #proceed(response: R): void {
    // "If the client transaction receives a provisional response while in the "Calling" state, it transitions to the
    // "Proceeding" state. In the "Proceeding" state, the client transaction SHOULD NOT retransmit the request any
    // longer. Furthermore, the provisional response MUST be passed to the TU." (RFC 3261 §17.1.1.2)
    this.#state = 'proceeding'
    this.#timers.stop('A')
    this.#timers.stop('B')
    this.#user.passUp(response)
  }

  #accept(response: R): void {
    // "If a 2xx response is received while the client INVITE state machine is in the "Calling" or "Proceeding" states,
    // it MUST transition to the "Accepted" state, pass the 2xx response to the TU, and set Timer M to 64*T1."
    // (RFC 6026 §7.2)
    this.#state = 'accepted'
    this.#timers.stopAll()
    this.#timers.start('M', this.#setup.timers.waitMs)
    this.#user.passUp(response)
  }

  #complete(response: R): void {
    // "When in either the "Calling" or "Proceeding" states, reception of a response with status code from 300-699 MUST
    // cause the client transaction to transition to "Completed". The client transaction MUST pass the received response
    // up to the TU, and the client transaction MUST generate an ACK request, even if the transport is reliable"
    // (RFC 3261 §17.1.1.2)
    this.#state = 'completed'
    this.#timers.stopAll()
    this.#user.acknowledge(response)
    if (this.#isOver()) return
    this.#user.passUp(response)
    // "The client transaction SHOULD start timer D when it enters the "Completed" state, with a value of at least 32
    // seconds for unreliable transports, and a value of zero seconds for reliable transports." (RFC 3261 §17.1.1.2)
    if (this.#setup.reliable) this.#terminate()
    else if (!this.#isOver()) this.#timers.start('D', this.#setup.timers.waitMs)
  }

  #fail(reason: TxFailure): void {
    // "If the client transaction is still in the "Calling" state when timer B fires, the client transaction SHOULD
    // inform the TU that a timeout has occurred." (RFC 3261 §17.1.1.2)
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
