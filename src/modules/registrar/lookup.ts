import { MAX_BRANCHES, type RouteContext, type Verdict } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { andThen } from '../../util/and-then.ts'
import { aorOf } from './aor.ts'
import { onContacts } from './contact-work.ts'
import { isTarget } from './gruu.ts'
import type { Contact, Domain } from './location.ts'
import type { LookupFlags } from './lookup-flags.ts'
import { methodBit } from './methods.ts'
import { isRefusal, type Refusal } from './refusal.ts'
import type { Registrar } from './registrar.ts'
import { targetOf } from './targets.ts'

interface Found {
  readonly verdict: 1 | -1 | -2 | -3
  readonly contacts: readonly Contact[]
}

/** Found: contacts that were woken up, and that the request waits for. */
const WOKEN = 2

/** What `lookup()` works with. */
export interface LookupCall {
  readonly domain: Domain
  readonly flags: LookupFlags
  /** URI to look up; undefined: the Request-URI. */
  readonly aorUri: string | undefined
}

/**
 * `lookup()`: the contacts of the Request-URI's address of record become the destination set. 1 found; 2 found, but all
 * sleep and the request waits for them; 0 it is a retransmission; −1 none; −2 none takes the method; −3 the address cannot
 * be read, or the location store failed.
 */
export function lookup(registrar: Registrar, m: RouteContext, call: LookupCall): Verdict | Promise<Verdict> {
  const main = find(registrar, m, call, call.aorUri ?? m.target.uri)
  if (!call.flags.eachBranch) return andThen(main, found => wakeAndApply(registrar, m, call, found, null))
  const others = m.branches.map(other => find(registrar, m, call, other.uri))
  if (main instanceof Promise || others.some(other => other instanceof Promise))
    return Promise.all([main, ...others]).then(([first = NOTHING, ...rest]) =>
      wakeAndApply(registrar, m, call, first, rest),
    )
  return wakeAndApply(registrar, m, call, main, others as Found[])
}

/** Contacts that sleep are woken up and waited for; the others become the destination set. */
function wakeAndApply(
  registrar: Registrar,
  m: RouteContext,
  { domain, flags }: LookupCall,
  found: Found,
  others: readonly Found[] | null,
): Verdict {
  const { push } = registrar
  const all = [found, ...(others ?? [])].flatMap(({ contacts }) => contacts)
  const chosen = flags.noBranches && others === null ? all.slice(0, 1) : all
  const asleep = push === null ? [] : chosen.filter(contact => push.sleeps(contact))
  if (push === null || asleep.length === 0) return apply(registrar, m, flags, found, others)
  const verdict = push.wake(m, domain, asleep)
  if (verdict === 0) return 0
  const awake = (one: Found): Found => {
    const contacts = one.contacts.filter(contact => chosen.includes(contact) && !asleep.includes(contact))
    return contacts.length === 0 ? NOTHING : { ...one, contacts }
  }
  const rest = awake(found)
  const restOfOthers = others?.map(awake) ?? null
  const isEmpty = rest.contacts.length === 0 && (restOfOthers ?? []).every(({ contacts }) => contacts.length === 0)
  if (isEmpty && others === null) return verdict === 1 ? WOKEN : -3
  return apply(registrar, m, flags, rest, restOfOthers)
}

/** `others`: what was found for the branches there are, or null where they are not looked up. */
function apply(
  registrar: Registrar,
  m: RouteContext,
  flags: LookupFlags,
  found: Found,
  others: readonly Found[] | null,
): Verdict {
  const before = m.branches
  const main = flags.noBranches ? found.contacts.slice(0, 1) : found.contacts
  const added = main.map(targetOf)
  const first = flags.onlyBranches ? undefined : added.shift()
  if (first !== undefined) m.target = first
  const kept =
    others === null
      ? before
      : before.flatMap((branch, i) => {
          const contacts = others[i]?.contacts ?? []
          return contacts.length > 0 ? contacts.map(targetOf) : [branch]
        })
  const branches = [...kept, ...added]
  if (branches.length > MAX_BRANCHES)
    registrar.log.warn('Too many contacts for one request', { aor: main[0]?.aor, branches: branches.length })
  m.branches = branches.slice(0, MAX_BRANCHES)
  noteAttributes(registrar, m, main)
  return others?.some(({ contacts }) => contacts.length > 0) ? 1 : found.verdict
}

const NOTHING: Found = { verdict: -1, contacts: [] }
const FAILED: Found = { verdict: -3, contacts: [] }

function find(
  registrar: Registrar,
  m: RouteContext,
  { domain, flags }: LookupCall,
  uri: string,
): Found | Promise<Found> {
  const parsed = registrar.gruu === null ? null : parseUri(uri)
  const ownAor = (): string | Refusal => aorOf(uri, registrar.aor)
  if (parsed?.params.has('gr') === true) {
    const gruu = registrar.gruu?.target(parsed, () => {
      const aor = ownAor()
      return isRefusal(aor) ? null : aor
    })
    if (gruu == null) return NOTHING
    const choose = () =>
      choice(
        domain.contacts(gruu.aor).filter(contact => isTarget(contact, gruu)),
        m,
        flags,
      )
    return onContacts(registrar, domain, gruu.aor, choose, FAILED)
  }
  const aor = ownAor()
  if (isRefusal(aor)) {
    registrar.log.info('Lookup without a readable address', { uri, detail: aor.detail })
    return FAILED
  }
  return onContacts(registrar, domain, aor, () => choice(domain.contacts(aor), m, flags), FAILED)
}

/** Those of the contacts that the flags let through. */
function choice(all: readonly Contact[], m: RouteContext, flags: LookupFlags): Found {
  if (all.length === 0) return NOTHING
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

/** Values of an AVP are read newest first: the first contact's attributes go in last. */
function noteAttributes({ variables }: Registrar, m: RouteContext, contacts: readonly Contact[]): void {
  if (variables.attr === null) return
  for (const contact of contacts.toReversed()) variables.attr.set(m, contact.attr)
}
