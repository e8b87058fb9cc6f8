import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { type RoutingServices, subscriberOf } from './services.ts'
import type { Wish } from './subscribing.ts'

/** The names that talks gave to events. */
export const TALK_NAMES = ['REGISTER', 'DTMF'] as const

/** Whether an event has this name in talks only. */
export const isTalkName = (name: string): boolean => TALK_NAMES.some(known => known === name)

type Source = Pick<Wish, 'event' | 'filter'>

/** The events that a name means, each with the filter as it goes for that event. */
export function sourcesOf(services: RoutingServices, m: RouteContext, name: string, filter: string): readonly Source[] {
  if (name === 'REGISTER') return registrations(m, renamed(filter, 'contact', 'uri'))
  if (name !== 'DTMF') return [source(name, filter)]
  const { catalogue } = services.host.bus
  // Whoever detects keys raises it: a script, management, another program.
  if (catalogue.find('E_DTMF') === undefined) catalogue.define('E_DTMF', null, 'event_routing')
  const sources = [source('E_DTMF', filter)]
  const rtpproxy = catalogue.find('E_RTPPROXY_DTMF')
  if (rtpproxy?.spec == null) return sources
  const ids = heardByProxy(services, m, filter)
  return [...sources, ...ids.map(one => source(rtpproxy.name, one))]
}

function source(event: string, filter: string): Source {
  return { event, filter: filter === '' ? [] : [filter] }
}

const renamed = (filter: string, from: string, to: string): string =>
  filter.startsWith(`${from}=`) ? `${to}${filter.slice(from.length)}` : filter

/** An address of record written without its domain is that of the domain called, where the registrar keeps domains. */
function registrations(m: RouteContext, filter: string): readonly Source[] {
  const plain = source('E_UL_CONTACT_INSERT', filter)
  const host = parseUri(m.target.uri)?.host ?? ''
  if (!/^aor=[^@]+$/i.test(filter) || host === '') return [plain]
  return [plain, source('E_UL_CONTACT_INSERT', `${filter}@${host}`)]
}

/** An RTP proxy tells calls by their Call-ID, or by the id of their dialog where it was engaged for one. */
function heardByProxy(services: RoutingServices, m: RouteContext, filter: string): readonly string[] {
  const byCallId = renamed(filter, 'callid', 'id')
  const dialog = services.dialog?.current(m)
  if (dialog == null || filter !== `callid=${subscriberOf(services, m).callId}`) return [byCallId]
  return [byCallId, `id=${dialog.id}`]
}
