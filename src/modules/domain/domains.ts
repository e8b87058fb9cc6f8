import type { DomainRow, DomainTable } from './table.ts'

/** A domain that is served here. */
export interface ServedDomain {
  readonly name: string
  readonly attrs: string | null
  readonly acceptsSubdomains: boolean
}

/** Answers whether a domain is served here. Names are compared in any case. */
export interface Domains {
  /** The entry that a domain falls under: its own, or the nearest above it that takes those below. Null: none. */
  find(name: string): ServedDomain | null | Promise<ServedDomain | null>
}

/** Domains that are looked up each time. */
export class StoredDomains implements Domains {
  readonly #table: DomainTable

  constructor(table: DomainTable) {
    this.#table = table
  }

  /** Rejects with a DatabaseError. */
  async find(name: string): Promise<ServedDomain | null> {
    for (const candidate of candidates(name)) {
      const rows = await this.#table.select({ where: [['domain', '=', candidate]] })
      const found = rows.map(served).find(domain => fits(domain, name))
      if (found !== undefined) return found
    }
    return null
  }
}

/** Domains that were loaded at some time. */
export class LoadedDomains implements Domains {
  readonly all: readonly ServedDomain[]
  readonly #byName: ReadonlyMap<string, ServedDomain>

  private constructor(all: readonly ServedDomain[]) {
    this.all = all
    this.#byName = new Map(all.map(domain => [domain.name, domain]))
  }

  /** Rejects with a DatabaseError. */
  static async load(table: DomainTable): Promise<LoadedDomains> {
    return new LoadedDomains((await table.select()).map(served).filter(({ name }) => name !== ''))
  }

  static readonly none = new LoadedDomains([])

  find(name: string): ServedDomain | null {
    for (const candidate of candidates(name)) {
      const found = this.#byName.get(candidate)
      if (found !== undefined && fits(found, name)) return found
    }
    return null
  }
}

function served({ domain, attrs, accept_subdomain }: DomainRow): ServedDomain {
  const name = domain.trim().toLowerCase()
  return { name, attrs: attrs === '' ? null : attrs, acceptsSubdomains: accept_subdomain !== 0 }
}

const fits = ({ name, acceptsSubdomains }: ServedDomain, asked: string): boolean =>
  acceptsSubdomains || name === asked.toLowerCase()

/** Most labels a name may have (RFC 1035 §2.3.4: 255 octets, of which a label takes two). */
const MOST_LABELS = 127

/** The name, then each one above it. */
function candidates(name: string): readonly string[] {
  const labels = name.toLowerCase().split('.')
  if (name === '' || labels.length > MOST_LABELS) return []
  // An address has nothing above it.
  if (name.includes(':') || /^[\d.]+$/.test(name)) return [name.toLowerCase()]
  return labels.map((_, i) => labels.slice(i).join('.'))
}
