import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { account, dropAccounting, recordRequest } from './accounting.ts'
import { contextFor, contextOf, hasLoadedContext, loadContext } from './context.ts'
import { type AccFlag, type AccType, parseAccFlags, parseTypes } from './kinds.ts'
import type { AccServices } from './services.ts'

const ROUTES = ['request', 'failure', 'branch', 'local', 'onreply'] as const
const comment = arg('comment', 'str', 'Code and reason phrase, or a text without code.')

/** Script functions of the module. */
export const accSpecs = {
  do_accounting: {
    args: [
      arg('types', 'str', 'Where to: `log`, `db`, `evi`, or several with bars between.'),
      optional(
        arg(
          'flags',
          'str',
          '`cdr`: one record for the whole call; `missed`: calls that fail; `failed`: other failures.',
        ),
      ),
      optional(arg('table', 'str', 'Table for answered transactions and calls, instead of db_table_acc.')),
    ],
    routes: ['request', 'failure', 'branch', 'local'],
    returns: '1; −1 a CDR cannot be had',
    doc: 'Accounts for the transaction of this request when it ends. A second call adds types and flags.',
  },
  drop_accounting: {
    args: [
      optional(arg('types', 'str', 'Types as in do_accounting(); all.')),
      optional(arg('flags', 'str', 'Flags to take back; without, the types end.')),
    ],
    routes: ROUTES,
    returns: '1; −1 nothing was accounted',
    doc: 'Takes do_accounting() back.',
  },
  acc_log_request: {
    args: [comment],
    routes: ROUTES,
    returns: '1',
    doc: 'Writes a record for this request into the log, at once.',
  },
  acc_evi_request: {
    args: [comment],
    routes: ROUTES,
    returns: '1',
    doc: 'Raises E_ACC_EVENT for this request, at once; with a code from 300 on, or none, E_ACC_MISSED_EVENT.',
  },
  acc_db_request: {
    args: [comment, arg('table', 'str', 'Table.')],
    routes: ROUTES,
    returns: '1',
    doc: 'Puts a row for this request into a table, at once.',
  },
  acc_new_leg: {
    args: [],
    routes: ROUTES,
    returns: '1',
    doc: 'Begins another leg of the call: $acc_leg(name) then means its values.',
  },
  acc_load_ctx_from_dlg: {
    args: [],
    routes: ROUTES,
    returns: '1; −1 no call that gets a CDR, or loaded already',
    doc: 'Lets $acc_extra and $acc_leg mean the values of the call this request is inside of.',
  },
  acc_unload_ctx_from_dlg: {
    args: [],
    routes: ROUTES,
    returns: '1; −1 nothing was loaded',
    doc: 'Ends what acc_load_ctx_from_dlg() began.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Builds them. */
export function accFunctions(services: AccServices): FunctionHandlers<typeof accSpecs> {
  const { clock, dialog, calls, log, tm } = services
  return {
    do_accounting: (types, flags, table) => {
      wantParts(services, types, flags)
      const [readTypes, readFlags] = [reader(types, parseTypes, log), reader(flags, parseAccFlags, log)]
      return m => {
        const wanted = readTypes(m)
        const withFlags = readFlags(m)
        if (wanted === null || withFlags === null) return -1
        return account(services, m, wanted, withFlags, table?.read(m) ?? null) ? 1 : -1
      }
    },
    drop_accounting: (types, flags) => {
      const readTypes: (m: RouteContext) => readonly AccType[] | null =
        types === undefined ? () => [] : reader(types, parseTypes, log)
      const readFlags: (m: RouteContext) => readonly AccFlag[] | null = reader(flags, parseAccFlags, log)
      return m => {
        const context = contextOf(tm, m)
        const [dropped, withFlags] = [readTypes(m), readFlags(m)]
        if (context === undefined || dropped === null || withFlags === null) return -1
        dropAccounting(context, dropped, withFlags)
        return 1
      }
    },
    acc_log_request: text => m => {
      recordRequest(services, 'log', m, text.read(m))
      return 1
    },
    acc_evi_request: text => m => {
      recordRequest(services, 'evi', m, text.read(m))
      return 1
    },
    acc_db_request: (text, table) => {
      services.database.isWanted = true
      return m => {
        recordRequest(services, 'db', m, text.read(m), table.read(m))
        return 1
      }
    },
    acc_new_leg: () => m => {
      const context = contextFor(tm, m, clock.nowMs())
      const { legs } = context
      if (legs.length === 0) legs.push(new Map())
      legs.push(new Map())
      context.changed()
      return 1
    },
    acc_load_ctx_from_dlg: () => m => {
      const call = dialog?.current(m) ?? null
      const context = call === null ? undefined : calls.get(call)
      if (context === undefined || hasLoadedContext(m)) return -1
      loadContext(m, context)
      return 1
    },
    acc_unload_ctx_from_dlg: () => m => {
      if (!hasLoadedContext(m)) return -1
      loadContext(m, null)
      return 1
    },
  }
}

/** A script that names the type `db` needs a database from the start, one that may ask for CDRs their journal. */
function wantParts({ database, wanted }: AccServices, types: Arg<string>, flags: Arg<string> | undefined): void {
  const parsed = types.constant === undefined ? [] : parseTypes(types.constant)
  if (typeof parsed !== 'string' && parsed.includes('db')) database.isWanted = true
  if (flags !== undefined && (flags.constant?.toLowerCase().includes('cdr') ?? true)) wanted.cdr = true
}

/** Reads a constant once, when the script is loaded, and says there what is wrong with it. */
function reader<T>(
  text: Arg<string> | undefined,
  parse: (text: string) => readonly T[] | string,
  log: AccServices['log'],
): (m: RouteContext) => readonly T[] | null {
  if (text === undefined) return () => []
  if (text.constant !== undefined) {
    const value = parse(text.constant)
    return typeof value === 'string' ? text.reject(value) : () => value
  }
  return m => {
    const value = parse(text.read(m))
    if (typeof value !== 'string') return value
    log.error('accounting cannot be understood', { reason: value })
    return null
  }
}
