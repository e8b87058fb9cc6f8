import type { Hop } from '../../sip/net/endpoint.ts'
import type { TlsDomains } from '../../sip/net/tls-layer.ts'
import type { LoadedDomain } from './domain.ts'
import { addressFit, nameFit } from './matching.ts'

/** Loaded domains, and which of them is for what. Of several that match, the one that says so most exactly, then the first. */
export class DomainTable implements TlsDomains {
  readonly all: readonly LoadedDomain[]

  constructor(all: readonly LoadedDomain[]) {
    this.all = all
  }

  server(address: string, port: number, serverName: string | null): LoadedDomain | undefined {
    return this.#best('server', address, port, serverName)
  }

  serves(address: string, port: number): boolean {
    return this.#of('server').some(({ settings }) => addressFit(settings.addresses, address, port) > 0)
  }

  asksClients(address: string, port: number): boolean {
    return this.#of('server').some(
      ({ verifies, requires, settings }) => (verifies || requires) && addressFit(settings.addresses, address, port) > 0,
    )
  }

  client(hop: Hop): LoadedDomain | undefined {
    if (hop.tlsDomain !== undefined) return this.named(hop.tlsDomain)
    return this.#best('client', hop.address, hop.port, hop.name ?? null)
  }

  /** A client domain by its name. */
  named(name: string): LoadedDomain | undefined {
    return this.#of('client').find(domain => domain.name === name)
  }

  #of(role: 'server' | 'client'): readonly LoadedDomain[] {
    return this.all.filter(({ settings }) => settings.role === role)
  }

  #best(role: 'server' | 'client', address: string, port: number, name: string | null): LoadedDomain | undefined {
    let best: LoadedDomain | undefined
    let bestFit = 0
    for (const domain of this.#of(role)) {
      const { addresses, names } = domain.settings
      // The address decides before the name; either not matched rules the domain out.
      const byName = nameFit(names, name)
      const byAddress = byName === 0 ? 0 : addressFit(addresses, address, port)
      const fit = byAddress === 0 ? 0 : byAddress * 10 + byName
      if (fit <= bestFit) continue
      best = domain
      bestFit = fit
    }
    return best
  }
}
