import { arg, defineModule, field, nullableField, optional } from '../../module/define.ts'
import type { Timer } from '../../util/clock.ts'
import type { PresenceApi } from './api.ts'
import { presenceCommandHandlers, presenceCommands } from './commands.ts'
import { Expiry } from './expiry.ts'
import { Notifier } from './notifier.ts'
import { EventPackages } from './packages.ts'
import { presenceParams } from './params.ts'
import { MOST_PUBLICATIONS, Presentities } from './presentity.ts'
import { handlePublish } from './publish.ts'
import type { PresenceServices } from './services.ts'
import { PresenceStorage } from './storage.ts'
import { handleSubscribe } from './subscribe.ts'
import { MOST_SUBSCRIPTIONS, Subscriptions } from './subscription.ts'
import { ACTIVE_WATCHERS_TABLE, PRESENTITY_TABLE, WATCHERS_TABLE } from './tables.ts'

/** How often is looked for what has expired. */
const EXPIRY_MS = 1000

const publishedFields = {
  user: field('str', 'User part of the presentity.'),
  domain: field('str', 'Its domain.'),
  event: field('str', 'Event package.'),
  expires: field('int', 'Lifetime, seconds.'),
  old_etag: nullableField('str', 'Entity tag that was refreshed, changed or removed; null for a new publication.'),
  etag: field('str', 'Its entity tag from now on.'),
  body: field('str', 'The document.'),
}
const legacyFields = ['user', 'domain', 'event', 'expires', 'etag', 'body'] as const

/** A presence server: what users publish, and who is told of it (presence reference). */
export default defineModule(
  {
    name: 'presence',
    doc: 'Takes what users publish and tells those who have subscribed to it. Event packages come with other modules.',
    depends: ['tm'],
    tables: [PRESENTITY_TABLE, ACTIVE_WATCHERS_TABLE, WATCHERS_TABLE],
    params: presenceParams,
    functions: {
      handle_publish: {
        args: [optional(arg('sender', 'str', 'URI of who publishes, kept with the document.'))],
        routes: ['request'],
        returns: '1 published; −1 refused; the reply was sent',
        doc: 'Serves a PUBLISH and answers it.',
      },
      handle_subscribe: {
        args: [
          optional(arg('force_active', 'int', 'Anything but 0: who subscribes may watch, whatever the rules say.')),
          optional(arg('sharing_tag', 'str', 'Accepted; there are no clusters of proxies here.')),
        ],
        routes: ['request'],
        returns: '1 subscribed, refreshed or ended; −1 refused; the reply was sent',
        doc: 'Serves a SUBSCRIBE, answers it and sends the NOTIFY it asks for.',
      },
    },
    events: {
      E_PRESENCE_PUBLISH: { doc: 'A PUBLISH was accepted.', fields: publishedFields, legacyFields },
      E_PRESENCE_EXPOSED: { doc: 'presence:expose tells of a document.', fields: publishedFields, legacyFields },
    },
    commands: presenceCommands,
  },
  ({ host, clock, log, params, raise, use }) => {
    const packages = new EventPackages()
    const url = host.db.urlOf(params.db_url || undefined)
    const { db: databases, proxy } = host
    const storage = url === undefined ? null : new PresenceStorage({ databases, url, params, proxy, clock, log })
    const base = {
      host,
      clock,
      log,
      params,
      tm: use('tm'),
      packages,
      presentities: new Presentities(),
      subscriptions: new Subscriptions(),
      storage,
      published: raise.E_PRESENCE_PUBLISH,
    }
    const services: PresenceServices = { ...base, notifier: new Notifier(base) }
    const expiry = new Expiry(services)
    let timers: readonly Timer[] = []
    return {
      api: { register: added => packages.register(added) } satisfies PresenceApi,
      functions: {
        handle_publish: sender => m => handlePublish(services, m, sender?.read(m) ?? null),
        handle_subscribe: force => m => handleSubscribe(services, m, (force?.read(m) ?? 0) !== 0),
      },
      commands: presenceCommandHandlers(services, expiry, raise.E_PRESENCE_EXPOSED),
      start: async () => {
        if (params.cluster_id !== 0) log.warn('cluster_id is not supported: state is not shared with other nodes')
        await storage?.open()
      },
      // Sockets that rows name are known from then on only.
      listening: async () => {
        if (storage !== null) await load(services, storage)
        timers = [
          clock.every(EXPIRY_MS, () => expiry.run()),
          clock.every(Math.max(1, params.db_update_period) * 1000, () => void storage?.flush()),
          clock.every(Math.max(1, params.clean_period) * 1000, () => void storage?.clean()),
        ]
      },
      stop: async () => {
        for (const timer of timers) timer.clear()
        for (const subscription of services.subscriptions.all()) storage?.keepSubscription(subscription)
        await storage?.flush()
      },
    }
  },
)

async function load({ presentities, subscriptions }: PresenceServices, storage: PresenceStorage): Promise<void> {
  for (const { event, address, publication } of (await storage.publications()).slice(-MOST_PUBLICATIONS))
    if (presentities.hasRoom(event, address)) presentities.add(event, address, publication)
  for (const subscription of (await storage.subscriptions()).slice(-MOST_SUBSCRIPTIONS)) subscriptions.add(subscription)
}
