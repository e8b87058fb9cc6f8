import { arg, counter, defineModule, gauge, optional } from '../../module/define.ts'
import { CallBooks } from './call-books.ts'
import { followCalls } from './calls.ts'
import type { AccContext } from './context.ts'
import { RecordStore } from './db-store.ts'
import { accEvents } from './events.ts'
import { readFields } from './fields.ts'
import { accFunctions, accSpecs } from './functions.ts'
import { CallJournal } from './journal.ts'
import { followLegacyFlags } from './legacy-flags.ts'
import { accParams } from './params.ts'
import { accPvarHandlers, accPvars } from './pvars.ts'
import { Recovery } from './recovery.ts'
import { RunningCalls } from './running-calls.ts'
import type { AccServices } from './services.ts'
import { followSharedCalls } from './shared-calls.ts'
import { ACC_TABLE, MISSED_CALLS_TABLE } from './tables.ts'
import { followTransactions } from './transactions.ts'
import { AccWriter } from './writer.ts'

/** Accounting: a record for each transaction or call, in the log, in a database or as an event (acc reference). */
export default defineModule(
  {
    name: 'acc',
    doc: 'Accounts for calls and other transactions in the log, in a database and by events.',
    depends: ['tm'],
    after: ['dialog', 'rr'],
    tables: [ACC_TABLE, MISSED_CALLS_TABLE],
    params: accParams,
    functions: accSpecs,
    events: accEvents,
    commands: {
      reconcile: {
        args: [optional(arg('limit', 'int', 'Most calls that are listed as missing something; 100 if absent.'))],
        doc: 'compares calls ended, CDRs raised, stored and confirmed by the hour, and lists the calls whose records are missing somewhere',
      },
    },
    stats: {
      db_queued: gauge('Rows that wait for the database.'),
      db_failures: counter('Rows the database refused for good.'),
      db_retries: counter('Attempts to write a row that failed and are made again.'),
      db_dropped: counter('Rows dropped because too many waited, or the proxy ended.'),
      journalled_calls: gauge('Answered calls in the journal: their records are not complete.'),
      recovered_calls: counter('Calls taken over from a process before this one.'),
      journal_failures: counter('Failed attempts to write the journal of calls.'),
      journal_damaged: counter('Lines of the journal of calls that could not be read.'),
    },
    pvars: accPvars,
  },
  ({ clock, find, host, log, params, stats, use }) => {
    const fields = readFields(params, host.script)
    const dialog = find('dialog')
    const database = new RecordStore({
      databases: host.db,
      clock,
      log,
      counts: { failed: stats.db_failures, dropped: stats.db_dropped, retried: stats.db_retries },
      url: host.db.urlOf(params.db_url || undefined),
      columns: columnNames(params),
      extraColumns: [...fields.extras.db, ...fields.legs.db].map(({ name }) => name),
      maxQueued: params.db_max_queued,
    })
    stats.db_queued.read = () => database.queued
    const folder = dialog === undefined ? null : host.instance.stateFolder(params.cdr_journal, 'calls')
    const journal =
      folder === null
        ? null
        : new CallJournal({ folder, clock, log, failures: stats.journal_failures, damaged: stats.journal_damaged })
    stats.journalled_calls.read = () => journal?.count ?? 0
    const tables = { acc: params.db_table_acc, missed: params.db_table_missed_calls }
    const books = new CallBooks(host.bus, clock, params.reconcile_hours)
    const stopWatching = params.reconcile_hours > 0 ? books.watch() : () => {}
    const services: AccServices = {
      books,
      clock,
      log,
      proxy: host.proxy,
      tm: use('tm'),
      dialog,
      rr: find('rr'),
      writer: new AccWriter({ host, fields, level: params.log_level, store: database, tables }),
      database,
      running: new RunningCalls(journal, dialog, fields),
      fields,
      calls: dialog?.slot<AccContext>() ?? { get: () => undefined, set: () => {} },
      wanted: { cdr: false },
      settings: {
        accountsEarlyMedia: params.early_media !== 0,
        accountsCancels: params.report_cancels !== 0,
        detectsDirection: params.detect_direction !== 0,
      },
    }
    const recovery = journal === null ? null : new Recovery(services, journal)
    followLegacyFlags(services, params, host.script)
    followTransactions(services)
    followCalls(services)
    followSharedCalls(services)
    return {
      functions: accFunctions(services),
      pvars: accPvarHandlers(services),
      commands: { reconcile: ({ limit = 100 }) => reconciliation(books, limit) },
      start: async () => {
        if (params.detect_direction !== 0 && services.rr === undefined)
          throw new Error('acc: detect_direction needs the module rr')
        fields.findVariables()
        await database.start([
          [ACC_TABLE, tables.acc],
          [MISSED_CALLS_TABLE, tables.missed],
        ])
        await recovery?.read()
        if (journal !== null && services.wanted.cdr) await probe(journal, params.cdr_journal !== undefined, services)
      },
      listening: () => {
        stats.recovered_calls.value += recovery?.resume() ?? 0
      },
      serving: () => recovery?.writeEnded(),
      stop: async signal => {
        stopWatching()
        await database.stop(signal)
        await journal?.close()
      },
    }
  },
)

function reconciliation(books: CallBooks, limit: number): unknown {
  const missing = books.missing()
  return {
    Hours: books.hours().map(({ hour, ended, raised, stored, confirmed }) => ({
      hour,
      ended,
      raised,
      stored,
      Confirmed: [...confirmed].map(([socket, count]) => ({ socket, count })),
    })),
    missing: missing.length,
    Missing: missing.slice(0, Math.max(0, limit)).map(({ callId, endedAtMs, lacks }) => ({
      callid: callId,
      ended_at: new Date(endedAtMs).toISOString(),
      lacks,
    })),
  }
}

/** A folder that the script names must be usable; without one, calls are accounted all the same. */
async function probe(journal: CallJournal, isGiven: boolean, { log }: AccServices): Promise<void> {
  try {
    await journal.probe()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (isGiven) throw new Error(`the folder of cdr_journal cannot be written: ${reason}`)
    log.error('running calls cannot be journalled: a crash would lose their records; set cdr_journal to a folder', {
      reason,
    })
  }
}

type ColumnParams = Readonly<Record<`acc_${string}_column`, string>>

function columnNames(params: ColumnParams): Readonly<Record<string, string>> {
  const names = ['method', 'from_tag', 'to_tag', 'callid', 'sip_code', 'sip_reason', 'time']
  return Object.fromEntries(names.map(name => [name, params[`acc_${name}_column`] ?? name]))
}
