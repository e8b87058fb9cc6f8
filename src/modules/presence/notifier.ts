import { setImmediate as turn } from 'node:timers/promises'
import { escapeUser } from '../../sip/codec/uri.ts'
import type { Address, EventPackage, Watcher } from './api.ts'
import { documentsOf, uriOf } from './presentity.ts'
import type { PresenceServices } from './services.ts'
import type { EndReason, Subscription } from './subscription.ts'

/** Notifications sent before other work gets its turn. */
const SLICE = 20

/** The rest of the module, as notifications need it. */
type Services = Omit<PresenceServices, 'notifier'>

/**
 * Tells watchers what has changed. Of one subscription at most one NOTIFY is under way: what changes meanwhile goes with
 * the next, so a subscriber that does not answer costs no more than one transaction.
 */
export class Notifier {
  readonly #services: Services
  readonly #queue = new Set<Subscription>()
  #isSending = false

  constructor(services: Services) {
    this.#services = services
  }

  /** Sends the state to a subscriber soon. */
  notify(subscription: Subscription): void {
    this.#queue.add(subscription)
    if (!this.#isSending) void this.#send()
  }

  /** The state of a presentity has changed; `sender` published it and is not told where only others want to know. */
  stateChanged(event: string, address: Address, sender: string | null): void {
    for (const subscription of this.#services.subscriptions.to(event, address)) {
      if (subscription.status === 'pending') continue
      if (event === SHARED_LINES && sender !== null && isSameUri(sender, subscription.dialog.watcher)) continue
      this.notify(subscription)
    }
  }

  /** Who watches, or how, has changed: subscribers to watcher information are told. */
  watchersChanged(subscription: Pick<Subscription, 'event' | 'presentity'>): void {
    for (const { name } of this.#services.packages.tellingOf(subscription.event))
      for (const listener of this.#services.subscriptions.to(name, subscription.presentity)) this.notify(listener)
  }

  /** Ends a subscription and tells its subscriber. */
  end(subscription: Subscription, reason: EndReason): void {
    this.forget(subscription)
    subscription.ended = reason
    this.notify(subscription)
  }

  /** Ends a subscription without a word. */
  forget(subscription: Subscription): void {
    const { subscriptions, storage } = this.#services
    if (!subscriptions.has(subscription)) return
    subscriptions.remove(subscription)
    storage?.removeSubscription(subscription)
    this.watchersChanged(subscription)
  }

  /** The rules of a presentity may have changed: what each watcher may see is decided anew. */
  permissionsChanged(event: string, address: Address): void {
    for (const subscription of [...this.#services.subscriptions.to(event, address)])
      void this.#decide(subscription).catch((error: unknown) =>
        this.#services.log.often().error('who may watch cannot be decided anew', { reason: String(error) }),
      )
  }

  async #decide(subscription: Subscription): Promise<void> {
    const { packages, params, presentities, storage, subscriptions } = this.#services
    const { event, presentity, dialog } = subscription
    const found = packages.find(event)
    if (found?.permit === undefined) return
    const permission = await found.permit({
      address: presentity,
      watcher: uriOf(dialog.watcher),
      documents: documentsOf(presentities.find(event, presentity)),
      checksSphere: params.enable_sphere_check !== 0,
    })
    if (permission === subscription.permission || !subscriptions.has(subscription)) return
    storage?.keepWatcher(event, presentity, dialog.watcher, permission)
    if (permission === 'blocked') {
      this.end(subscription, 'rejected')
      return
    }
    subscription.permission = permission
    storage?.keepSubscription(subscription)
    this.notify(subscription)
    this.watchersChanged(subscription)
  }

  async #send(): Promise<void> {
    this.#isSending = true
    for (let count = 0; this.#queue.size > 0; count++) {
      // Answers that are being written go first, and other work in between.
      if (count % SLICE === 0) await turn()
      const [next] = this.#queue
      if (next === undefined) break
      this.#queue.delete(next)
      if (next.isNotifying) next.isStale = true
      else void this.#notify(next)
    }
    this.#isSending = false
  }

  async #notify(subscription: Subscription): Promise<void> {
    const { tm, params, log, storage } = this.#services
    const { dialog, contact } = subscription
    subscription.isNotifying = true
    subscription.isStale = false
    const isFinal = subscription.ended !== null
    const body = await this.#body(subscription)
    subscription.localCseq++
    subscription.version++
    if (!isFinal) storage?.keepSubscription(subscription)
    const { status } = await tm.request({
      method: 'NOTIFY',
      uri: contact,
      from: `<${escapedUri(dialog.target)}>;tag=${dialog.localTag}`,
      to: `<${escapedUri(dialog.watcher)}>;tag=${dialog.remoteTag}`,
      callId: dialog.callId,
      cseq: subscription.localCseq,
      headers: this.#headers(subscription, isFinal, body !== null),
      body: body ?? '',
      nextHop: /<([^>]*)>/.exec(dialog.routes[0] ?? '')?.[1] ?? null,
      socket: dialog.socket,
    })
    subscription.isNotifying = false
    if (isFinal) return
    if (status === 481 || (status === 408 && params.end_sub_on_timeout !== 0)) {
      log.info('a subscription has ended: its subscriber does not take notifications', {
        callid: dialog.callId,
        status,
      })
      this.forget(subscription)
    } else if (subscription.isStale || subscription.ended !== null) this.notify(subscription)
  }

  #headers(subscription: Subscription, isFinal: boolean, hasBody: boolean): string {
    const { clock, packages } = this.#services
    const { dialog, event, eventId, ended, status } = subscription
    const leftS = Math.max(0, Math.round((subscription.expiresMs - clock.nowMs()) / 1000))
    const contentType = packages.find(event)?.contentType
    const lines = [
      ...dialog.routes.map(route => `Route: ${route}`),
      `Event: ${event}${eventId === '' ? '' : `;id=${eventId}`}`,
      `Subscription-State: ${isFinal ? `terminated;reason=${ended}` : `${status};expires=${leftS}`}`,
      `Contact: <${dialog.localContact}>`,
      ...(hasBody && contentType !== undefined ? [`Content-Type: ${contentType}`] : []),
    ]
    return `${lines.join('\r\n')}\r\n`
  }

  /** What a subscriber gets to see; null without. What cannot be made is logged. */
  async #body(subscription: Subscription): Promise<string | null> {
    const found = this.#services.packages.find(subscription.event)
    if (found === undefined || subscription.status === 'pending' || subscription.ended === 'rejected') return null
    try {
      return await this.#compose(found, subscription)
    } catch (error) {
      this.#services.log.often().error('the state of a presentity cannot be told', { reason: String(error) })
      return null
    }
  }

  async #compose(
    found: EventPackage,
    { presentity: address, permission, version }: Subscription,
  ): Promise<string | null> {
    const { params, presentities } = this.#services
    const uri = uriOf(address)
    const compose = (documents: readonly string[], watchers: readonly Watcher[] = []): string | null =>
      found.compose({ address, uri, documents, watchers, version })
    if (found.watchersOf !== undefined) return compose([], this.#watchers(found.watchersOf, address))
    const isHidden = permission === 'polite-block'
    const background = isHidden ? null : ((await found.background?.(address)) ?? null)
    const presentity = isHidden ? undefined : presentities.find(found.name, address)
    if (background !== null) return compose([...documentsOf(presentity), background])
    if (presentity === undefined)
      return params.notify_offline_body !== 0 || isHidden ? (found.offline?.(uri) ?? null) : null
    if (presentity.body === undefined) presentity.body = compose(documentsOf(presentity))
    return presentity.body
  }

  #watchers(event: string, address: Address): readonly Watcher[] {
    const { clock, subscriptions } = this.#services
    return Array.from(subscriptions.to(event, address), ({ dialog, status, expiresMs }) => ({
      id: dialog.localTag,
      uri: uriOf(dialog.watcher),
      status,
      expiresS: Math.max(0, Math.round((expiresMs - clock.nowMs()) / 1000)),
    }))
  }
}

/** Phones that share a line do not want to hear what they said themselves. */
const SHARED_LINES = 'dialog;sla'

const escapedUri = ({ user, domain }: Address): string => `sip:${escapeUser(user)}@${domain}`

function isSameUri(uri: string, { user, domain }: Address): boolean {
  return uri.replace(/^sips?:/i, '').toLowerCase() === `${user}@${domain}`.toLowerCase()
}
