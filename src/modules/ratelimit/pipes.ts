import type { Log } from '../../log/log.ts'
import type { Clock } from '../../util/clock.ts'
import { type AlgorithmName, type Limiter, makeLimiter, type Surroundings } from './algorithms.ts'

/** Most pipes at one time: names may come from messages. Beyond, the one unused longest goes. */
const MAX_PIPES = 100_000

/** A named counter with a limit. */
export interface Pipe {
  readonly id: string
  readonly algorithm: AlgorithmName
  readonly limiter: Limiter
  /** That of the last call. */
  limit: number
  usedMs: number
  hasWarned: boolean
}

interface PipesOptions {
  readonly surroundings: Surroundings
  readonly log: Log
  /** How long an unused pipe is kept. */
  readonly expireMs: number
}

/** The pipes, by name. The one used last is last. */
export class Pipes {
  readonly #pipes = new Map<string, Pipe>()
  readonly #options: PipesOptions
  readonly #clock: Clock

  constructor(options: PipesOptions) {
    this.#options = options
    this.#clock = options.surroundings.clock
  }

  find(id: string): Pipe | undefined {
    return this.#pipes.get(id)
  }

  all(): readonly Pipe[] {
    return [...this.#pipes.values()]
  }

  /** The pipe, made where there is none; its algorithm stays what it was made with. */
  use(id: string, limit: number, algorithm: AlgorithmName): Pipe {
    const pipe = this.#pipes.get(id) ?? this.#make(id, algorithm)
    if (pipe.algorithm !== algorithm && !pipe.hasWarned) {
      pipe.hasWarned = true
      this.#options.log.warn('a pipe keeps its first algorithm', { pipe: id, has: pipe.algorithm, asked: algorithm })
    }
    pipe.limit = limit
    pipe.usedMs = this.#clock.monotonicMs()
    this.#pipes.delete(id)
    this.#pipes.set(id, pipe)
    return pipe
  }

  /** Closes the interval of every pipe and removes those that nobody uses. `others`: what other proxies have counted in one. */
  tick(others: (id: string) => number = () => 0): void {
    const forgetBeforeMs = this.#clock.monotonicMs() - this.#options.expireMs
    for (const [id, pipe] of this.#pipes) {
      if (pipe.usedMs < forgetBeforeMs) this.#pipes.delete(id)
      else pipe.limiter.tick(pipe.limit, others(id))
    }
  }

  #make(id: string, algorithm: AlgorithmName): Pipe {
    const [oldest] = this.#pipes.keys()
    if (this.#pipes.size >= MAX_PIPES && oldest !== undefined) this.#pipes.delete(oldest)
    const limiter = makeLimiter(algorithm, this.#options.surroundings)
    return { id, algorithm, limiter, limit: 0, usedMs: 0, hasWarned: false }
  }
}
