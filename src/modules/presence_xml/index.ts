import { defineModule, type ModuleApis, optionalParam, param } from '../../module/define.ts'
import { DocumentTable, XCAP_TABLE } from './document-table.ts'
import { mergePidf, offlinePidf, pidfFault, sphereOf } from './pidf.ts'
import { decide, type Handling } from './rules.ts'
import { watcherInfo } from './watcher-info.ts'

type EventPackage = Parameters<ModuleApis['presence']['register']>[0]
type Permission = Awaited<ReturnType<NonNullable<EventPackage['permit']>>>

const PERMISSION: Readonly<Record<Handling, Permission>> = {
  block: 'blocked',
  confirm: 'pending',
  'polite-block': 'polite-block',
  allow: 'active',
}
const DIALOG_INFO = 'application/dialog-info+xml'

/** The event packages presence, presence.winfo and dialog;sla (presence reference, presence_xml). */
export default defineModule(
  {
    name: 'presence_xml',
    // A module of its own up to 3.x, with the same parameters.
    aliases: ['xcap'],
    doc: 'Event packages for presence: presence, presence.winfo and dialog;sla.',
    depends: ['presence'],
    tables: [XCAP_TABLE],
    params: {
      force_active: param('int', 0, '1: everybody may watch; rules of users are not looked at.'),
      pidf_manipulation: param('int', 0, '1: documents users have stored are there beside what they publish.'),
      db_url: optionalParam('str', 'Database with what users have stored; `db_default_url` if absent.'),
      xcap_table: param('str', 'xcap', 'Table with what users have stored.'),
      integrated_xcap_server: param('int', 1, 'Accepted; rules are read from the database.', { ignored: true }),
    },
  },
  ({ host, clock, log, params, use }) => {
    const isNeeded = params.force_active === 0 || params.pidf_manipulation !== 0
    const url = isNeeded ? host.db.urlOf(params.db_url || undefined) : undefined
    const stored = url === undefined ? null : new DocumentTable(host.db, url, params.xcap_table)
    const permit: NonNullable<EventPackage['permit']> = async ({ address, watcher, documents, checksSphere }) => {
      try {
        const document = (await stored?.find('rules', address.user, address.domain)) ?? null
        if (document === null) return 'pending'
        const sphere = checksSphere ? sphereOf(documents[0] ?? '') : null
        const handling = decide(document, { watcher, sphere, nowMs: clock.nowMs() })
        return handling === null ? 'pending' : PERMISSION[handling]
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        log.often().error('the rules of a user cannot be read: watchers wait', { user: address.user, reason })
        return 'pending'
      }
    }
    const presence = use('presence')
    presence.register({
      name: 'presence',
      contentType: 'application/pidf+xml',
      accepts: ['application/pidf+xml'],
      fault: pidfFault,
      compose: ({ documents }) => mergePidf(documents),
      offline: offlinePidf,
      ...(params.force_active === 0 ? { permit } : {}),
      ...(params.pidf_manipulation !== 0 && stored !== null
        ? { background: ({ user, domain }) => stored.find('presence', user, domain) }
        : {}),
    })
    presence.register({
      name: 'presence.winfo',
      contentType: 'application/watcherinfo+xml',
      accepts: [],
      watchersOf: 'presence',
      compose: state => watcherInfo('presence', state),
    })
    presence.register({
      name: 'dialog;sla',
      contentType: DIALOG_INFO,
      accepts: [DIALOG_INFO],
      compose: ({ documents }) => documents[0] ?? null,
    })
    return { start: () => stored?.open() }
  },
)
