/** A request target, taken apart. */
export interface Target {
  /** Decoded segments: `/mi/events` gives `['mi', 'events']`. */
  readonly path: readonly string[]
  /** The query with its `?`, or ''. */
  readonly search: string
}

/** A target that means what it says: nothing escaped, no dots, no query. */
const PLAIN = /^(?:\/[\w-]+)+$/

/** Splits a request target, in origin or absolute form (RFC 9112 §3.2); null when it cannot be decoded. */
export function parseTarget(target: string): Target | null {
  if (PLAIN.test(target)) return { path: target.slice(1).split('/'), search: '' }
  try {
    const { pathname, search } = new URL(target, 'http://localhost')
    const path = pathname.slice(1).split('/').map(decodeURIComponent)
    // A final slash names the same thing.
    return { path: path.at(-1) === '' ? path.slice(0, -1) : path, search }
  } catch {
    return null
  }
}
