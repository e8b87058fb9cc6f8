import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import type { NameAddr } from '../../sip/codec/name-addr.ts'
import type { Value } from '../../util/spec.ts'
import { bodyParts } from '../body-parts.ts'
import type { RouteContext } from '../context.ts'
import type { PvarHandler, PvarIndex } from '../pvar.ts'
import { type CorePvars, listed, orNull, type PvarHost, pick, placed, plain } from './core-pvar.ts'

const READ_ONLY = { type: 'str', writable: false } as const

/** Start line, headers, body, length and flags of the message (script reference, pseudo-variables). */
export function messagePvars(host: PvarHost): CorePvars {
  return {
    rm: plain('str', 'Method; of a reply that in CSeq.', m => orNull(m.message.method)),
    rs: plain('int', 'Status of a reply; NULL on requests.', m => (m.message.isRequest ? null : m.message.status)),
    rr: plain('str', 'Reason phrase of a reply.', m => (m.message.isRequest ? null : m.message.reason)),
    ml: plain('int', 'Length of the message in bytes.', m => m.message.bytes.length),
    mb: plain('str', 'The message as received.', m => m.message.bytes.toString('utf8')),
    mi: plain('int', 'Number of the message.', m => messageNumber(m.message)),
    mf: plain('str', 'Names of the message flags that are set.', m => host.flags.names(m.flags)),
    bf: plain('str', 'Names of the branch flags of the Request-URI that are set.', m =>
      host.branchFlags.names(m.target.flags),
    ),
    cl: plain('int', 'Content-Length.', m => (m.message.contentLength < 0 ? null : m.message.contentLength)),
    cT: placed({ ...READ_ONLY, doc: 'Content-Type; $(cT[i]) that of a part.' }, site => contentType(site.index)),
    rb: placed({ ...READ_ONLY, doc: 'Body, or the part of a type or index.', inner: 'optional' }, site =>
      body(site.inner?.constant?.toLowerCase(), site.index),
    ),
    ct: placed({ ...READ_ONLY, doc: 'A Contact value.' }, site => listed(site.index, m => contactTexts(m.message))),
    'ct.fields': placed({ ...READ_ONLY, doc: 'A field of a Contact value.', inner: 'required' }, site => {
      const field = CONTACT_FIELDS[site.inner?.constant ?? '']
      if (field === undefined) return site.reject(`expected one of ${Object.keys(CONTACT_FIELDS).join(', ')}`)
      return listed(site.index, m => contactList(m.message).map(field))
    }),
    hdr: placed({ ...READ_ONLY, doc: 'Value of a header.', inner: 'required' }, site => {
      const nameOf = (m: RouteContext): string => site.inner?.read(m).trim() ?? ''
      if (site.index.kind === 'none')
        return { get: m => firstHeader(m.message, nameOf(m)), all: m => headers(m.message, nameOf(m)) }
      return listed(site.index, m => headers(m.message, nameOf(m)))
    }),
    hdrcnt: placed(
      { type: 'int', writable: false, doc: 'How many headers of a name there are.', inner: 'required' },
      site => ({
        get: m => headers(m.message, site.inner?.read(m).trim() ?? '').length,
      }),
    ),
    hdr_name: placed({ ...READ_ONLY, doc: 'Name of a header by its place.' }, site =>
      listed(site.index, m => Array.from({ length: m.message.headerCount }, (_, i) => m.message.headerName(i))),
    ),
    'msg.is_request': plain('int', '1 on a request, 0 on a reply.', m => Number(m.message.isRequest)),
    'msg.type': plain('str', '`request` or `reply`.', m => (m.message.isRequest ? 'request' : 'reply')),
    'msg.flag': placed(
      { type: 'int', writable: true, doc: 'Whether a message flag is set.', inner: 'required' },
      site => {
        const bit = host.flags.bit(site.inner?.constant ?? site.reject('the name of a flag cannot be a variable'))
        return {
          get: m => Number((m.flags & bit) !== 0),
          set: (m, value) => {
            m.flags = value === null || value === 0 ? m.flags & ~bit : m.flags | bit
            return true
          },
        }
      },
    ),
  }
}

const numbers = new WeakMap<SipMessage, number>()
let lastNumber = 0

/** Given out when first asked for. */
function messageNumber(message: SipMessage): number {
  const known = numbers.get(message)
  if (known !== undefined) return known
  lastNumber = (lastNumber + 1) | 0
  numbers.set(message, lastNumber)
  return lastNumber
}

function firstHeader(message: SipMessage, name: string): Value {
  const index = message.findNamed(name)
  return index < 0 ? null : message.headerValue(index)
}

function headers(message: SipMessage, name: string): string[] {
  const values: string[] = []
  for (let i = message.findNamed(name); i >= 0; i = message.findNamed(name, i + 1)) values.push(message.headerValue(i))
  return values
}

function contactList(message: SipMessage): readonly NameAddr[] {
  return message.contacts === null || message.contacts === '*' ? [] : message.contacts
}

/** A `*` or unreadable Contact is shown as it is. */
function contactTexts(message: SipMessage): readonly string[] {
  const { contacts } = message
  if (contacts === null || contacts === '*') return headers(message, 'Contact')
  return contacts.map(contact => message.bytes.toString('utf8', contact.start, contact.end))
}

const contactParam =
  (name: string) =>
  (contact: NameAddr): Value =>
    contact.params.get(name)
const CONTACT_FIELDS: Readonly<Record<string, (contact: NameAddr) => Value>> = {
  name: contact => orNull(contact.display),
  uri: contact => contact.uri,
  q: contactParam('q'),
  expires: contactParam('expires'),
  methods: contactParam('methods'),
  received: contactParam('received'),
  params: contact => orNull(contact.params.text.replace(/^;/, '')),
}

function contentType(index: PvarIndex): PvarHandler {
  const own = (m: RouteContext): Value => m.message.value(HeaderId.contentType)
  if (index.kind === 'none') return { get: own }
  return listed(index, m => [own(m), ...bodyParts(m.message).map(part => part.contentType)])
}

function body(type: string | undefined, index: PvarIndex): PvarHandler {
  const whole = (m: RouteContext): Value => orNull((m.edits.newBody ?? m.message.body).toString('utf8'))
  if (type === undefined && index.kind === 'none') return { get: whole }
  return {
    get: m => {
      const parts = bodyParts(m.message).filter(part => type === undefined || part.type === type)
      return pick(
        index,
        parts.map(part => part.text),
        m,
      )
    },
  }
}
