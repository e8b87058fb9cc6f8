import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import { mapInSlices } from '../../util/in-slices.ts'
import { wildcardMatcher } from '../../util/wildcard.ts'
import { addressOf } from './answer.ts'
import type { Expiry } from './expiry.ts'
import { uriOf } from './presentity.ts'
import type { PresenceServices, PublishedFields } from './services.ts'
import type { Subscription } from './subscription.ts'

/** Management commands, as data. */
export const presenceCommands = {
  refresh_watchers: {
    args: [
      arg('presentity_uri', 'str', 'URI of the presentity.'),
      arg('event', 'str', 'Event package.'),
      arg('refresh_type', 'int', '0: the rules have changed; anything else: the state has.'),
    ],
    aliases: ['refreshWatchers', 'pres_refresh_watchers'],
    doc: 'decides anew who may watch a presentity, or sends its state to its watchers',
  },
  cleanup: { args: [], aliases: ['pres_cleanup'], doc: 'removes what has expired, now' },
  expose: {
    args: [
      arg('event', 'str', 'Event package.'),
      optional(arg('filter', 'str', 'Shell wildcard for the URIs of presentities.')),
    ],
    aliases: ['pres_expose'],
    doc: 'raises E_PRESENCE_EXPOSED for everything that was published',
  },
  phtable_list: { args: [], aliases: ['pres_phtable_list'], doc: 'lists the presentities something was published of' },
  subs_phtable_list: {
    args: [
      optional(arg('from', 'str', 'Shell wildcard for the URIs of watchers.')),
      optional(arg('to', 'str', 'Shell wildcard for the URIs of presentities.')),
    ],
    doc: 'lists the subscriptions',
  },
} as const

/** Builds those commands. */
export function presenceCommandHandlers(
  services: PresenceServices,
  expiry: Expiry,
  expose: (fields: PublishedFields) => void,
) {
  const { clock, notifier, packages, presentities, subscriptions } = services
  const leftS = (expiresMs: number): number => Math.max(0, Math.round((expiresMs - clock.nowMs()) / 1000))
  const packageOf = (name: string) => {
    const found = packages.find(name)
    if (found === undefined) throw new MiError(404, 'Unknown event', `expected one of ${packages.names}, got ${name}`)
    return found
  }
  return {
    refresh_watchers: (args: { presentity_uri: string; event: string; refresh_type: number }) => {
      const address = addressOf(args.presentity_uri)
      if (address === null) throw new MiError(400, 'Bad presentity URI')
      const { name } = packageOf(args.event)
      if (args.refresh_type === 0) notifier.permissionsChanged(name, address)
      else notifier.stateChanged(name, address, null)
      return 'OK'
    },
    cleanup: async () => {
      expiry.run()
      await services.storage?.flush()
      await services.storage?.clean()
      return 'OK'
    },
    expose: ({ event, filter = '*' }: { event: string; filter: string | undefined }) => {
      const { name } = packageOf(event)
      const { matches } = wildcardMatcher(filter)
      for (const { address, event: of, publications } of presentities.all()) {
        if (of !== name || !matches(uriOf(address))) continue
        for (const { etag, document, expiresMs } of publications.values())
          expose({ ...address, event: name, expires: leftS(expiresMs), old_etag: null, etag, body: document })
      }
      return 'OK'
    },
    phtable_list: () =>
      mapInSlices([...presentities.all()], ({ address, event, publications }) => ({
        pres_uri: uriOf(address),
        event,
        publ_count: publications.size,
      })),
    subs_phtable_list: ({ from = '*', to = '*' }: { from: string | undefined; to: string | undefined }) => {
      const [fromMatches, toMatches] = [wildcardMatcher(from), wildcardMatcher(to)]
      const listed = [...subscriptions.all()].filter(
        ({ dialog, presentity }) => fromMatches.matches(uriOf(dialog.watcher)) && toMatches.matches(uriOf(presentity)),
      )
      return mapInSlices(listed, subscription => subscriptionRow(subscription, leftS(subscription.expiresMs)))
    },
  }
}

function subscriptionRow(subscription: Subscription, expires: number): object {
  const { dialog, presentity, event, status, version, contact, localCseq, remoteCseq } = subscription
  return {
    pres_uri: uriOf(presentity),
    event,
    status,
    expires,
    version,
    to_user: dialog.target.user,
    to_domain: dialog.target.domain,
    to_tag: dialog.localTag,
    from_user: dialog.watcher.user,
    from_domain: dialog.watcher.domain,
    from_tag: dialog.remoteTag,
    callid: dialog.callId,
    contact,
    local_cseq: localCseq,
    remote_cseq: remoteCseq,
  }
}
