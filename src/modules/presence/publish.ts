import { randomBytes } from 'node:crypto'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { type Answer, addressOf, answering, lifetimeS, TOO_MUCH } from './answer.ts'
import type { Address, EventPackage } from './api.ts'
import { LONGEST_DOCUMENT, type Publication } from './presentity.ts'
import type { PresenceServices } from './services.ts'

/** What a PUBLISH asks for, once it is known to be well-formed. */
interface Request {
  readonly address: Address
  readonly package: EventPackage
  readonly expiresS: number
  /** SIP-If-Match; null for an initial publication. */
  readonly oldEtag: string | null
  readonly document: string
  readonly sender: string | null
}

const isAnswer = (value: Request | Answer): value is Answer => 'status' in value

/** `handle_publish()`: takes, refreshes, changes or removes what is published, and answers (RFC 3903 §6). */
export function handlePublish(
  services: PresenceServices,
  m: RouteContext,
  sender: string | null,
): Verdict | Promise<Verdict> {
  return answering(services, m, () => {
    const request = readRequest(services, m, sender)
    if (isAnswer(request)) return request
    if (request.oldEtag === null) return begin(services, request)
    const {
      address,
      package: { name },
      oldEtag,
    } = request
    const known = services.presentities.remove(name, address, oldEtag)
    if (known !== undefined || services.storage === null || services.params.fallback2db === 0)
      return change(services, request, oldEtag, known)
    return services.storage
      .findPublication(name, address, oldEtag)
      .then(found => change(services, request, oldEtag, found))
  })
}

function readRequest(services: PresenceServices, m: RouteContext, sender: string | null): Request | Answer {
  const { packages, params } = services
  const { message } = m
  const found = packages.of(message)
  if (found === null || found.package.accepts.length === 0)
    return { status: 489, reason: 'Bad Event', headers: `Allow-Events: ${packages.names}\r\n` }
  const address = addressOf(m.target.uri)
  if (address === null) return { status: 400, reason: 'Bad Request-URI' }
  const oldEtag = message.value(HeaderId.sipIfMatch)?.trim() || null
  const refusal = bodyRefusal(message, found.package, oldEtag === null)
  if (refusal !== null) return refusal
  return {
    address,
    package: found.package,
    expiresS: lifetimeS(message.value(HeaderId.expires), params.max_expires_publish),
    oldEtag,
    document: message.body.toString('utf8'),
    sender: sender === null || addressOf(sender) === null ? null : sender,
  }
}

function bodyRefusal(message: SipMessage, { accepts, fault }: EventPackage, isNeeded: boolean): Answer | null {
  const { body } = message
  if (body.length === 0) return isNeeded ? { status: 400, reason: 'Missing body' } : null
  if (body.length > LONGEST_DOCUMENT) return { status: 413, reason: 'Request Entity Too Large' }
  const type = (message.value(HeaderId.contentType) ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (!accepts.includes(type))
    return { status: 415, reason: 'Unsupported Media Type', headers: `Accept: ${accepts.join(', ')}\r\n` }
  return (fault?.(body.toString('utf8')) ?? null) === null ? null : { status: 400, reason: 'Malformed body' }
}

function begin(services: PresenceServices, request: Request): Answer {
  const {
    address,
    package: { name },
    document,
    expiresS,
  } = request
  if (!services.presentities.hasRoom(name, address)) return TOO_MUCH
  return expiresS === 0 ? accepted(services, request, newEtag()) : keep(services, request, document)
}

function change(
  services: PresenceServices,
  request: Request,
  oldEtag: string,
  known: Publication | null | undefined,
): Answer {
  if (known == null) return { status: 412, reason: 'Conditional request failed' }
  const {
    address,
    package: { name },
    document,
    expiresS,
  } = request
  services.storage?.removePublication(name, address, oldEtag)
  return expiresS === 0
    ? accepted(services, request, newEtag())
    : keep(services, request, document === '' ? known.document : document)
}

function keep(services: PresenceServices, request: Request, document: string): Answer {
  const {
    address,
    package: { name },
    expiresS,
    sender,
  } = request
  const nowMs = services.clock.nowMs()
  const publication = { etag: newEtag(), document, receivedMs: nowMs, expiresMs: nowMs + expiresS * 1000, sender }
  services.presentities.add(name, address, publication)
  services.storage?.keepPublication(name, address, publication)
  return accepted(services, request, publication.etag)
}

function accepted(services: PresenceServices, request: Request, etag: string): Answer {
  const {
    address,
    package: { name },
    expiresS,
    oldEtag,
    document,
    sender,
  } = request
  const { params, notifier } = services
  services.published({
    user: address.user,
    domain: address.domain,
    event: name,
    expires: expiresS,
    old_etag: oldEtag ?? null,
    etag,
    body: document,
  })
  // A refresh changes nothing that watchers see.
  if (document !== '' || expiresS === 0) {
    notifier.stateChanged(name, address, sender)
    if (params.enable_sphere_check !== 0) notifier.permissionsChanged(name, address)
  }
  const toldS = Math.max(0, expiresS - params.expires_offset)
  return { status: 200, reason: 'OK', headers: `Expires: ${toldS}\r\nSIP-ETag: ${etag}\r\n` }
}

const newEtag = (): string => `a.${randomBytes(10).toString('hex')}`
