import { ownAddress } from '../../proxy/own-address.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { type Answer, addressOf, answering, lifetimeS, newTag, TOO_MUCH } from './answer.ts'
import type { Permission } from './api.ts'
import type { RequestedEvent } from './packages.ts'
import { documentsOf } from './presentity.ts'
import type { PresenceServices } from './services.ts'
import { LONGEST_SUBSCRIPTION, Subscription, type SubscriptionDialog } from './subscription.ts'

const NO_SUBSCRIPTION: Answer = { status: 481, reason: 'Subscription does not exist' }

/** `handle_subscribe()`: makes, refreshes or ends a subscription, answers, and notifies (RFC 6665 §4.2). */
export function handleSubscribe(
  services: PresenceServices,
  m: RouteContext,
  isForced: boolean,
): Verdict | Promise<Verdict> {
  return answering(services, m, () => {
    const { packages, params } = services
    const { message } = m
    const event = packages.of(message)
    if (event === null) return { status: 489, reason: 'Bad Event', headers: `Allow-Events: ${packages.names}\r\n` }
    const expiresS = lifetimeS(message.value(HeaderId.expires), params.max_expires_subscribe)
    return message.toTag === '' ? begin(services, m, { event, expiresS, isForced }) : goOn(services, m, expiresS)
  })
}

interface Wish {
  readonly event: RequestedEvent
  readonly expiresS: number
  readonly isForced: boolean
}

function begin(services: PresenceServices, m: RouteContext, wish: Wish): Answer | Promise<Answer> {
  const { params, presentities, subscriptions } = services
  const found = wish.event.package
  const contact = contactOf(m)
  const presentity = addressOf(m.target.uri)
  const dialog = dialogOf(services, m)
  if (contact === null || dialog === null || presentity === null) return { status: 400, reason: 'Bad Request' }
  if (!subscriptions.hasRoom) return TOO_MUCH
  const take = (permission: Permission): Answer => {
    const asksRules = !wish.isForced && found.permit !== undefined
    if (asksRules) services.storage?.keepWatcher(found.name, presentity, dialog.watcher, permission)
    if (permission === 'blocked') return { status: 403, reason: 'Forbidden' }
    const subscription = new Subscription({
      dialog,
      presentity,
      event: found.name,
      eventId: wish.event.id,
      contact,
      remoteCseq: m.message.cseq,
      permission,
    })
    if (subscription.textLength > LONGEST_SUBSCRIPTION) return { status: 513, reason: 'Message Too Large' }
    subscriptions.add(subscription)
    return renew(services, subscription, wish.expiresS)
  }
  if (wish.isForced || found.permit === undefined) return take('active')
  const given = found.permit({
    address: presentity,
    watcher: m.message.from?.uri ?? '',
    documents: documentsOf(presentities.find(found.name, presentity)),
    checksSphere: params.enable_sphere_check !== 0,
  })
  return given instanceof Promise ? given.then(take) : take(given)
}

function goOn(services: PresenceServices, m: RouteContext, expiresS: number): Answer | Promise<Answer> {
  const { subscriptions, storage, params } = services
  const { callId, toTag, fromTag } = m.message
  const known = subscriptions.find(callId, toTag, fromTag)
  if (known !== undefined) return refresh(services, m, known, expiresS)
  if (storage === null || params.fallback2db === 0) return NO_SUBSCRIPTION
  return storage.findSubscription(callId, toTag, fromTag).then(found => {
    if (found === null) return NO_SUBSCRIPTION
    const meanwhile = subscriptions.find(callId, toTag, fromTag)
    if (meanwhile === undefined) subscriptions.add(found)
    return refresh(services, m, meanwhile ?? found, expiresS)
  })
}

function refresh(services: PresenceServices, m: RouteContext, known: Subscription, expiresS: number): Answer {
  // "If the sequence number of the request is lower than the remote sequence number, the request is out of order and
  // MUST be rejected with a 500" (RFC 3261 §12.2.2).
  if (m.message.cseq <= known.remoteCseq) return { status: 500, reason: 'CSeq out of order' }
  known.remoteCseq = m.message.cseq
  known.contact = contactOf(m) ?? known.contact
  return renew(services, known, expiresS)
}

function renew(services: PresenceServices, subscription: Subscription, expiresS: number): Answer {
  const { clock, notifier, storage } = services
  subscription.expiresMs = clock.nowMs() + expiresS * 1000
  if (expiresS === 0) notifier.end(subscription, 'timeout')
  else {
    storage?.keepSubscription(subscription)
    notifier.notify(subscription)
    notifier.watchersChanged(subscription)
  }
  const isPending = subscription.status === 'pending'
  return {
    status: isPending ? 202 : 200,
    reason: isPending ? 'Accepted' : 'OK',
    headers: `Expires: ${expiresS}\r\nContact: <${subscription.dialog.localContact}>\r\n`,
    toTag: subscription.dialog.localTag,
  }
}

/** The URI notifications go to; null without one. */
function contactOf({ message }: RouteContext): string | null {
  const { contacts } = message
  const uri = Array.isArray(contacts) ? (contacts[0]?.uri ?? null) : null
  return uri === null || uri.length > LONGEST_SUBSCRIPTION || /[\s<>]/.test(uri) ? null : uri
}

function dialogOf(services: PresenceServices, m: RouteContext): SubscriptionDialog | null {
  const { message } = m
  const watcher = addressOf(message.from?.uri ?? '')
  const target = addressOf(message.to?.uri ?? '')
  if (watcher === null || target === null || message.fromTag === '') return null
  const { params, host } = services
  const user = params.contact_user === undefined ? '' : `${params.contact_user}@`
  const { socket } = m.origin
  const shown = {
    advertisedHost: host.settings.advertised_address,
    advertisedPort: host.settings.advertised_port,
  }
  return {
    callId: message.callId,
    localTag: newTag(),
    remoteTag: message.fromTag,
    watcher,
    target,
    routes: message.recordRoutes.map(route => `<${route.uri}>`),
    socket,
    localContact: params.server_address ?? `sip:${user}${ownAddress(m, socket, shown)}`,
  }
}
