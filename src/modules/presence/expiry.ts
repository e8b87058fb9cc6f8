import type { PresenceServices } from './services.ts'

/** Ends what has expired. */
export class Expiry {
  readonly #services: Omit<PresenceServices, 'tm' | 'host'>

  constructor(services: Omit<PresenceServices, 'tm' | 'host'>) {
    this.#services = services
  }

  /** Ends what has expired by now, and tells the watchers. */
  run(): void {
    const { clock, notifier, presentities, storage, subscriptions } = this.#services
    const nowMs = clock.nowMs()
    for (const { presentity, etags } of presentities.expire(nowMs)) {
      const { event, address } = presentity
      for (const etag of etags) storage?.removePublication(event, address, etag)
      notifier.stateChanged(event, address, null)
    }
    for (const subscription of [...subscriptions.all()])
      if (subscription.expiresMs <= nowMs) notifier.end(subscription, 'timeout')
  }
}
