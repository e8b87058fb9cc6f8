/** Lets so many go at once; the others wait in the order in which they came. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  /** `most` is at least 1. */
  constructor(most: number) {
    this.#free = most
  }

  /** Calls `go` when it is somebody's turn, at once if there is room; it ends with {@link done}. Gives how to leave the queue. */
  take(go: () => void): () => void {
    if (this.#free > 0) {
      this.#free--
      go()
      return () => {}
    }
    this.#waiting.add(go)
    return () => void this.#waiting.delete(go)
  }

  done(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
