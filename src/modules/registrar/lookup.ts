import { MAX_BRANCHES, type RouteContext, type Target, type Verdict } from '../../script/context.ts'
import { aorOf } from './aor.ts'
import type { Contact, Domain } from './location.ts'
import type { LookupFlags } from './lookup-flags.ts'
import { methodBit } from './methods.ts'
import { firstHop } from './path.ts'
import { isRefusal } from './refusal.ts'
import type { Registrar } from './registrar.ts'

interface Found {
  readonly verdict: 1 | -1 | -2 | -3
  readonly contacts: readonly Contact[]
}

/**
 * `lookup()`: the contacts of the Request-URI's address of record become the destination set. 1 found; −1 none;
 * −2 none takes the method; −3 the address cannot be read.
 */
export function lookup(
  registrar: Registrar,
  m: RouteContext,
  domain: Domain,
  flags: LookupFlags,
  aorUri: string | undefined,
): Verdict {
  const others = m.branches
  const found = find(registrar, m, domain, flags, aorUri ?? m.target.uri)
  const main = flags.noBranches ? found.contacts.slice(0, 1) : found.contacts
  const added = main.map(targetOf)
  const first = flags.onlyBranches ? undefined : added.shift()
  const forOthers = flags.eachBranch ? others.map(other => branchTargets(registrar, m, domain, flags, other)) : null
  if (first !== undefined) m.target = first
  const branches = [...(forOthers?.flatMap(({ targets }) => targets) ?? others), ...added]
  if (branches.length > MAX_BRANCHES)
    registrar.log.warn('Too many contacts for one request', { aor: main[0]?.aor, branches: branches.length })
  m.branches = branches.slice(0, MAX_BRANCHES)
  noteAttributes(registrar, m, main)
  return forOthers?.some(({ isFound }) => isFound) ? 1 : found.verdict
}

function find(registrar: Registrar, m: RouteContext, domain: Domain, flags: LookupFlags, uri: string): Found {
  const aor = aorOf(uri, registrar.aor)
  if (isRefusal(aor)) {
    registrar.log.info('Lookup without a readable address', { uri, detail: aor.detail })
    return { verdict: -3, contacts: [] }
  }
  const all = domain.contacts(aor)
  if (all.length === 0) return { verdict: -1, contacts: all }
  const bit = methodBit(m.message.method)
  const willing = flags.byMethod ? all.filter(contact => (contact.methods & bit) !== 0) : all
  if (willing.length === 0) return { verdict: -2, contacts: willing }
  const contacts = willing.filter(contact => isWanted(contact, flags))
  if (flags.sortByLatency) contacts.sort((a, b) => a.latencyUs - b.latencyUs)
  return { verdict: contacts.length === 0 ? -1 : 1, contacts }
}

function isWanted(contact: Contact, { mostLatencyUs, userAgent }: LookupFlags): boolean {
  if (userAgent !== null && !userAgent.test(contact.userAgent)) return false
  return mostLatencyUs === 0 || contact.latencyUs <= mostLatencyUs
}

function branchTargets(registrar: Registrar, m: RouteContext, domain: Domain, flags: LookupFlags, branch: Target) {
  const { contacts } = find(registrar, m, domain, flags, branch.uri)
  const isFound = contacts.length > 0
  return { isFound, targets: isFound ? contacts.map(targetOf) : [branch] }
}

/** How a request is sent to a contact: by its Path, else to where its registration came from. */
function targetOf(contact: Contact): Target {
  const { path, received } = contact
  const hop = path === '' ? received : (firstHop(path) ?? '')
  return {
    uri: contact.uri,
    dstUri: hop === '' ? null : hop,
    path: path === '' ? null : path,
    q: contact.q,
    flags: contact.cflags,
    socket: contact.socket,
  }
}

/** Values of an AVP are read newest first: the first contact's attributes go in last. */
function noteAttributes({ variables }: Registrar, m: RouteContext, contacts: readonly Contact[]): void {
  if (variables.attr === null) return
  for (const contact of contacts.toReversed()) variables.attr.set(m, contact.attr)
}
