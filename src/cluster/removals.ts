/** That something shared was removed. */
interface Removal {
  /** Milliseconds since 1970. */
  readonly atMs: number
  /** As other nodes are told of it. */
  readonly body: unknown
}

/** Removals that are remembered. */
const MOST = 10_000

/** What was removed last, so that an older message that comes after a removal does not bring it back. */
export class Removals {
  /** The oldest first. */
  readonly #byKey = new Map<string, Removal>()

  add(key: string, atMs: number, body: unknown): void {
    this.#byKey.delete(key)
    this.#byKey.set(key, { atMs, body })
    if (this.#byKey.size <= MOST) return
    const [oldest = ''] = this.#byKey.keys()
    this.#byKey.delete(oldest)
  }

  /** When it was removed, milliseconds since 1970; −1 where that is not known. */
  timeOf(key: string): number {
    return this.#byKey.get(key)?.atMs ?? -1
  }

  /** As other nodes are told of them. */
  *since(sinceMs: number): Iterable<unknown> {
    for (const { atMs, body } of [...this.#byKey.values()]) if (atMs >= sinceMs) yield body
  }
}
