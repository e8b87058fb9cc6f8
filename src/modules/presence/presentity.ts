import type { Address } from './api.ts'

/** A document somebody has published. */
export interface Publication {
  readonly etag: string
  readonly document: string
  readonly expiresMs: number
  readonly receivedMs: number
  /** URI of who has published it, where the script tells. */
  readonly sender: string | null
}

/** What was published of one presentity for one event package. */
export interface Presentity {
  readonly address: Address
  /** Name of the event package. */
  readonly event: string
  /** By entity tag, the oldest first. */
  readonly publications: Map<string, Publication>
  /** The body made of them last; undefined when they have changed since. */
  body: string | null | undefined
}

/** Publications kept at one time, of all presentities and of one, and the longest one. */
export const MOST_PUBLICATIONS = 100_000
export const MOST_PUBLICATIONS_EACH = 16
export const LONGEST_DOCUMENT = 65_536
/** Characters of all documents together. */
const MOST_TEXT = 256 * 1024 * 1024

/** `sip:user@domain` */
export const uriOf = ({ user, domain }: Address): string => `sip:${user}@${domain}`
/** What tells one presentity of a package from another. */
export const stateKey = (event: string, { user, domain }: Address): string => `${event}\n${user}@${domain}`

/** What was published of a presentity, the newest first. */
export const documentsOf = (presentity: Presentity | undefined): readonly string[] =>
  [...(presentity?.publications.values() ?? [])].map(({ document }) => document).toReversed()

/** Everything that was published and has not expired. */
export class Presentities {
  readonly #presentities = new Map<string, Presentity>()
  #count = 0
  #textLength = 0

  get count(): number {
    return this.#count
  }

  all(): IterableIterator<Presentity> {
    return this.#presentities.values()
  }

  find(event: string, address: Address): Presentity | undefined {
    return this.#presentities.get(stateKey(event, address))
  }

  /** Whether one more publication of this presentity may be kept. */
  hasRoom(event: string, address: Address): boolean {
    const known = this.find(event, address)?.publications.size ?? 0
    return known < MOST_PUBLICATIONS_EACH && this.#count < MOST_PUBLICATIONS && this.#textLength < MOST_TEXT
  }

  add(event: string, address: Address, publication: Publication): void {
    const key = stateKey(event, address)
    const presentity = this.#presentities.get(key) ?? { address, event, publications: new Map(), body: undefined }
    this.#presentities.set(key, presentity)
    presentity.publications.set(publication.etag, publication)
    presentity.body = undefined
    this.#count++
    this.#textLength += publication.document.length
  }

  /** Takes a publication out. Undefined when there is no such. */
  remove(event: string, address: Address, etag: string): Publication | undefined {
    const presentity = this.find(event, address)
    const found = presentity?.publications.get(etag)
    if (presentity === undefined || found === undefined) return undefined
    presentity.publications.delete(etag)
    presentity.body = undefined
    if (presentity.publications.size === 0) this.#presentities.delete(stateKey(event, address))
    this.#count--
    this.#textLength -= found.document.length
    return found
  }

  /** Takes out what has expired; gives each presentity that has changed with the tags of what it lost. */
  expire(nowMs: number): readonly { readonly presentity: Presentity; readonly etags: readonly string[] }[] {
    const changed: { presentity: Presentity; etags: string[] }[] = []
    for (const presentity of [...this.#presentities.values()]) {
      const gone = [...presentity.publications.values()].filter(({ expiresMs }) => expiresMs <= nowMs)
      if (gone.length === 0) continue
      for (const { etag } of gone) this.remove(presentity.event, presentity.address, etag)
      changed.push({ presentity, etags: gone.map(({ etag }) => etag) })
    }
    return changed
  }
}
