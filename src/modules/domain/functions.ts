import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Domains, ServedDomain } from './domains.ts'

const attrs = optional(arg('attrs', 'var', 'Gets the attributes of the domain, NULL where it has none.'))
const returns = '1 it is; −1 it is not, or cannot be told'

/** Script functions of the domain module. */
export const domainSpecs = {
  is_from_local: {
    args: [attrs],
    routes: ['request', 'branch', 'failure', 'local'],
    returns,
    doc: 'Whether the domain of From is served here.',
  },
  is_uri_host_local: {
    args: [attrs],
    routes: ['request', 'branch', 'failure', 'local'],
    returns,
    doc: 'Whether the domain of the Request-URI is served here; in a branch route, of that branch.',
  },
  is_domain_local: {
    args: [arg('domain', 'str', 'Name of the domain.'), attrs],
    routes: 'any',
    returns,
    doc: 'Whether a domain is served here.',
  },
} as const

interface DomainFunctionsParts {
  readonly domains: () => Domains
  readonly failed: (error: unknown) => void
}

/** Handlers of {@link domainSpecs}. */
export function domainFunctions({ domains, failed }: DomainFunctionsParts): FunctionHandlers<typeof domainSpecs> {
  const asking = (nameOf: (m: RouteContext) => string | undefined, variable: Arg<PvarRef> | undefined): Step => {
    const told = (m: RouteContext, domain: ServedDomain | null): Verdict => {
      if (domain === null) return -1
      variable?.read(m).set(m, domain.attrs)
      return 1
    }
    return m => {
      const name = nameOf(m)
      if (name === undefined || name === '') return -1
      const found = domains().find(name)
      if (!(found instanceof Promise)) return told(m, found)
      return found
        .then(domain => told(m, domain))
        .catch((error: unknown) => {
          failed(error)
          return -1
        })
    }
  }
  return {
    is_from_local: variable => asking(m => parseUri(m.message.from?.uri ?? '')?.host, variable),
    is_uri_host_local: variable => asking(m => parseUri(m.target.uri)?.host, variable),
    is_domain_local: (name, variable) => asking(m => name.read(m).trim(), variable),
  }
}
