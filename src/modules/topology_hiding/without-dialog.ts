import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { ownContact } from './contact.ts'
import { type ContactWriter, hideRequest, routeTo } from './hiding.ts'
import { changedCallId, originalCallId, type TopologyServices } from './services.ts'
import { type HidingFlags, parseHidingFlags } from './settings.ts'

/** What a Contact of ours carries, sealed: how its party is reached. */
interface Reach {
  readonly contact: string
  /** From us to it, the nearest first. */
  readonly routes: readonly string[]
  readonly socket: string
  /** It is the caller's side. */
  readonly isCaller: boolean
  readonly flags: string
  readonly params: string
}
type Texts = Pick<Reach, 'flags' | 'params'>

/** Most proxies a Contact carries. */
const MOST_ROUTES = 32

/** Hides the sender of a request outside of dialogs; all that later requests need travels in Contact. */
export function hideStateless(services: TopologyServices, m: RouteContext, flags: HidingFlags, texts: Texts): boolean {
  const callId = flags.changesCallId ? changedCallId(services, m.message.callId) : null
  hideRequest(services.proxy, m, contactWriter(services, flags, texts, true), callId)
  return true
}

/** Takes a request to our Contact on to the party that it carries. False: it was not made here. */
export function matchStateless(services: TopologyServices, m: RouteContext, token: string): boolean {
  const reach = readReach(services.contactSeal.open(token))
  const flags = reach === null ? '' : parseHidingFlags(reach.flags, reach.params)
  if (reach === null || typeof flags === 'string') return false
  const { contact, routes } = reach
  routeTo(m, { contact, routes, socket: services.proxy.findSocket(reach.socket) ?? null })
  const { callId } = m.message
  // Towards the callee it is changed, towards the caller changed back.
  const other = reach.isCaller
    ? originalCallId(services, callId)
    : flags.changesCallId
      ? changedCallId(services, callId)
      : null
  hideRequest(services.proxy, m, contactWriter(services, flags, reach, !reach.isCaller), other)
  return true
}

/** `fromCaller`: the request whose Contact, and whose replies' Contacts, are written comes from the caller's side. */
function contactWriter(
  { contactParam, contactSeal, passed }: TopologyServices,
  flags: HidingFlags,
  { flags: letters, params }: Texts,
  fromCaller: boolean,
): ContactWriter {
  return place => {
    const { message, senderSide } = place
    const contact = Array.isArray(message.contacts) ? message.contacts[0] : undefined
    if (contact === undefined) return null
    const recorded = message.recordRoutes.map(route => route.uri).slice(0, MOST_ROUTES)
    const isCaller = message.isRequest === fromCaller
    const reach: Reach = {
      contact: contact.uri,
      // RFC 3261 §12.1.1 and §12.1.2: in order for who receives a request, in reverse for who receives a reply.
      routes: message.isRequest ? recorded : recorded.reverse(),
      socket: senderSide.text,
      isCaller,
      flags: letters,
      params,
    }
    return ownContact(place, flags, passed, {
      user: null,
      param: `;${contactParam}=${contactSeal.seal(JSON.stringify(reach))}`,
      address: isCaller ? flags.calleeContact : flags.callerContact,
    })
  }
}

function readReach(text: string | null): Reach | null {
  if (text === null) return null
  try {
    const reach = JSON.parse(text) as Partial<Reach>
    const { contact, routes, socket, isCaller, flags, params } = reach
    if (typeof contact !== 'string' || parseUri(contact) === null || !Array.isArray(routes)) return null
    if (typeof socket !== 'string' || typeof flags !== 'string' || typeof params !== 'string') return null
    return { contact, routes, socket, isCaller: isCaller === true, flags, params }
  } catch {
    return null
  }
}
