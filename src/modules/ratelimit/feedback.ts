import { cpus } from 'node:os'

/** The weights of a PID controller. */
export interface Gains {
  readonly ki: number
  readonly kp: number
  readonly kd: number
}

/** The weights to begin with: integral action only (ratelimit reference, FEEDBACK). */
export const DEFAULT_GAINS: Gains = { ki: -25, kp: 0, kd: 0 }

/** Finds the share of requests to refuse so that a load stays where it should be. */
export class Feedback {
  gains: Gains = DEFAULT_GAINS
  #integral = 0
  #lastError = 0

  /** Takes the load, wanted and measured, both 0…1; gives the share to refuse, 0…100 per cent. */
  update(wanted: number, measured: number): number {
    const error = wanted - measured
    // Room below the target is only gained back, not saved up: else a quiet night would hide the morning's peak.
    this.#integral = Math.min(0, this.#integral + error)
    const { ki, kp, kd } = this.gains
    const output = kp * error + ki * this.#integral + kd * (error - this.#lastError)
    this.#lastError = error
    return Math.min(100, Math.max(0, output))
  }
}

/** Measures how busy the processors were since the last call, 0…1. */
export class ProcessorLoad {
  #idle = 0
  #total = 0

  read(): number {
    let idle = 0
    let total = 0
    for (const { times } of cpus()) {
      idle += times.idle
      total += times.idle + times.user + times.nice + times.sys + times.irq
    }
    const elapsed = total - this.#total
    const load = elapsed > 0 ? 1 - (idle - this.#idle) / elapsed : 0
    this.#idle = idle
    this.#total = total
    return Math.min(1, Math.max(0, load))
  }
}
