import { type EventFields, field, nullableField } from '../../util/spec.ts'
import type { Contact } from './contact.ts'

const aorFields = {
  domain: field('str', 'Location table.'),
  aor: field('str', 'Address of record.'),
} as const

const contactFields = {
  ...aorFields,
  uri: field('str', 'Contact URI.'),
  received: nullableField('str', 'Where the registration came from, as a URI; null when that is the contact itself.'),
  path: nullableField('str', 'Route set to the contact; null when there is none.'),
  qval: field('int', 'q value, 0…1000; −1 when not given.'),
  user_agent: field('str', 'User-Agent of the registration.'),
  socket: field('str', 'Socket the registration arrived on; empty when it was not received.'),
  bflags: field('int', 'Branch flags stored with the contact, as a bit mask.'),
  expires: field('int', 'When the binding ends, seconds since 1970; 0 never.'),
  callid: field('str', 'Call-ID of the registration.'),
  cseq: field('int', 'CSeq of the registration.'),
  attr: field('str', 'Attributes the script stored with the contact.'),
  latency: field('int', 'Round trip of the last ping, microseconds; 0 when unknown.'),
  shtag: field('str', 'Sharing tag that owns the contact.'),
} as const

const legacyContactFields = [
  'aor',
  'uri',
  'received',
  'path',
  'qval',
  'socket',
  'bflags',
  'expires',
  'callid',
  'cseq',
  'attr',
  'latency',
] as const

const contactEvent = <D extends string>(doc: D) =>
  ({ fields: contactFields, legacyFields: legacyContactFields, formerFields: { address: 'uri' }, doc }) as const
const aorEvent = <D extends string>(doc: D) => ({ fields: aorFields, legacyFields: ['aor'], doc }) as const

/** The events of the location store, in the order and with the fields they have always had (events reference). */
export const usrlocEvents = {
  E_UL_AOR_INSERT: aorEvent('The first contact of an address of record was stored.'),
  E_UL_AOR_DELETE: aorEvent('The last contact of an address of record was removed.'),
  E_UL_CONTACT_INSERT: contactEvent('A contact was added.'),
  E_UL_CONTACT_UPDATE: contactEvent('A contact was refreshed.'),
  E_UL_CONTACT_DELETE: contactEvent(
    'A contact was removed: by a registration, a command, a script, or because its time was over.',
  ),
  E_UL_CONTACT_REFRESH: {
    fields: {
      ...aorFields,
      uri: contactFields.uri,
      received: contactFields.received,
      user_agent: contactFields.user_agent,
      socket: contactFields.socket,
      bflags: contactFields.bflags,
      expires: contactFields.expires,
      callid: contactFields.callid,
      attr: contactFields.attr,
      shtag: contactFields.shtag,
      reason: field(
        'str',
        'Why: `reg-refresh` before it expires, `ini-` and a method for a request that waits for it.',
      ),
      req_callid: field('str', 'Call-ID of the request that waits for it.'),
    },
    formerFields: { address: 'uri' },
    doc: 'A contact reached by push notifications (RFC 8599) must be woken up to register again.',
  },
  E_UL_LATENCY_UPDATE: contactEvent('The round trip of a ping to the contact was measured.'),
} as const

/** The parameters of a contact event, in wire order. */
export function contactEventFields(
  domain: string,
  contact: Contact,
): EventFields<typeof usrlocEvents.E_UL_CONTACT_INSERT> {
  return {
    domain,
    aor: contact.aor,
    uri: contact.uri,
    received: contact.received === '' ? null : contact.received,
    path: contact.path === '' ? null : contact.path,
    qval: contact.q,
    user_agent: contact.userAgent,
    socket: contact.socket?.text ?? '',
    bflags: contact.cflags,
    expires: contact.expiresS,
    callid: contact.callId,
    cseq: contact.cseq,
    attr: contact.attr,
    latency: contact.latencyUs,
    shtag: contact.shtag,
  }
}

/** The parameters of E_UL_CONTACT_REFRESH, in wire order. */
export function refreshEventFields(
  domain: string,
  contact: Contact,
  reason: string,
  requestCallId: string,
): EventFields<typeof usrlocEvents.E_UL_CONTACT_REFRESH> {
  const { path, qval, cseq, latency, ...fields } = contactEventFields(domain, contact)
  return { ...fields, reason, req_callid: requestCallId }
}
