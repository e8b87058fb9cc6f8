import type { EventType } from '../../events/catalogue.ts'
import { counter, defineModule, gauge } from '../../module/define.ts'
import { type DialogApi, dialogApi } from './api.ts'
import { callFunctions, callSpecs } from './call-functions.ts'
import { dialogCommandHandlers, dialogCommands } from './commands.ts'
import { endIfAbandoned } from './creation.ts'
import { DIALOG_TABLE } from './dialog-row.ts'
import { DialogTable } from './dialog-table.ts'
import { dialogEvents, stateChangeFields } from './events.ts'
import { matchRequest, takeUnmatched } from './in-dialog.ts'
import { dialogParams, paramFault } from './params.ts'
import { Profiles } from './profile.ts'
import { profileFunctions, profileSpecs } from './profile-functions.ts'
import { dialogPvarHandlers, dialogPvars } from './pvars.ts'
import { Restorer } from './restore.ts'
import type { DialogServices } from './services.ts'
import { openSharing } from './sharing.ts'
import { openStorage } from './storage-settings.ts'
import { followTransactions } from './transactions.ts'
import { valueFunctions, valueSpecs } from './value-functions.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    dialog: DialogApi
  }
}

/** Calls as a whole, from INVITE to BYE (RFC 3261 §12; dialog reference). */
export default defineModule(
  {
    name: 'dialog',
    doc: 'Follows calls from their INVITE to their end, keeps values with them, counts and ends them.',
    depends: ['tm', 'rr', 'cache'],
    after: ['clusterer'],
    tables: [DIALOG_TABLE],
    params: dialogParams,
    functions: { ...callSpecs, ...valueSpecs, ...profileSpecs },
    events: dialogEvents,
    stats: {
      active_dialogs: gauge('Calls answered and not ended.'),
      early_dialogs: gauge('Calls that ring.'),
      processed_dialogs: counter('Calls followed.'),
      expired_dialogs: counter('Calls that lasted until their lifetime ended.'),
      failed_dialogs: counter('Calls that ended without an answer.'),
      create_sent: counter('New dialogs told to other nodes.'),
      update_sent: counter('Changes told to other nodes.'),
      delete_sent: counter('Ends told to other nodes.'),
      create_recv: counter('New dialogs other nodes told of.'),
      update_recv: counter('Changes other nodes told of.'),
      delete_recv: counter('Ends other nodes told of.'),
      db_failures: counter('Dialogs that could not be written to the database; each is tried again.'),
    },
    commands: dialogCommands,
    pvars: dialogPvars,
  },
  ({ clock, find, host, log, params, raise, stats, use }) => {
    let stateEvent: EventType | undefined
    const services: DialogServices = {
      clock,
      log,
      script: host.script,
      proxy: host.proxy,
      tm: use('tm'),
      rr: use('rr'),
      table: new DialogTable(params.hash_size),
      profiles: new Profiles(params.profiles_with_value, params.profiles_no_value),
      settings: {
        rrParam: params.rr_param,
        defaultTimeoutS: params.default_timeout,
        extraHeaders: headerLines(params.dlg_extra_hdrs ?? ''),
        matchesById: params.dlg_match_mode !== 2,
        matchesByTags: params.dlg_match_mode !== 0,
        deleteDelayS: params.delete_delay,
        optionsPingS: params.options_ping_interval,
        reinvitePingS: params.reinvite_ping_interval,
        raceTimeoutS: params.race_condition_timeout,
        autoPrackCseqOffset: params.auto_prack_cseq_offset,
        autoPrackIntervalS: params.auto_prack_interval,
      },
      counts: {
        active: 0,
        early: 0,
        processed: stats.processed_dialogs,
        expired: stats.expired_dialogs,
        failed: stats.failed_dialogs,
      },
      observers: { answered: [], ended: [], changed: [], within: [], left: [], taken: [] },
      namedRoutes: new Set(),
      storage: null,
      replication: null,
      // Its values are not put together where nobody listens.
      stateChanged: (dialog, oldState, newState) => {
        stateEvent ??= host.bus.catalogue.find('E_DLG_STATE_CHANGED')
        if (stateEvent === undefined || host.bus.isHeard(stateEvent))
          raise.E_DLG_STATE_CHANGED(stateChangeFields(dialog, oldState, newState))
      },
    }
    const { counts, settings, table } = services
    const restorer = new Restorer(services)
    services.storage = openStorage(services, restorer, { params, databases: host.db, failures: stats.db_failures })
    const sharing = openSharing({ clock, find, log, params, stats, use }, services, restorer)
    stats.active_dialogs.read = () => counts.active
    stats.early_dialogs.read = () => counts.early
    followTransactions(services)
    services.rr.onRouted(m => {
      const ways = { byId: settings.matchesById, byTags: settings.matchesByTags }
      const isMatched = matchRequest(services, m, ways)
      if (isMatched instanceof Promise) return isMatched.then(() => {})
      return undefined
    })
    host.proxy.hooks.afterRequest(m => {
      endIfAbandoned(services, m)
      takeUnmatched(services, m)
    })
    return {
      api: dialogApi(services, restorer),
      functions: { ...callFunctions(services), ...valueFunctions(services), ...profileFunctions(services) },
      commands: dialogCommandHandlers(services),
      pvars: dialogPvarHandlers(services),
      start: async () => {
        const fault = paramFault(params)
        if (fault !== null) throw new Error(`dialog: ${fault}`)
        for (const name of services.namedRoutes)
          if (host.script.route('request', name) === undefined) throw new Error(`there is no route[${name}]`)
        sharing.useStore()
        await services.storage?.start()
      },
      listening: () => {
        sharing.start()
        return services.storage?.resume()
      },
      serving: () => restorer.start(),
      stop: async () => {
        sharing.stop()
        await services.storage?.stop()
        for (const dialog of table.all()) dialog.clearTimers()
      },
    }
  },
)

/** With the line end that a script may have left out, or written as text. */
function headerLines(text: string): string {
  const lines = text.replaceAll('\\r', '\r').replaceAll('\\n', '\n').trim()
  return lines === '' ? '' : `${lines}\r\n`
}
