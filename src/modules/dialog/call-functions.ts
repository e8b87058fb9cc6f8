import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { changed } from './changes.ts'
import { parseCreateFlags } from './create-flags.ts'
import { createDialog } from './creation.ts'
import type { Dialog, DialogRoutes } from './dialog.ts'
import { type MatchWays, matchRequest } from './in-dialog.ts'
import { sendTo } from './local-requests.ts'
import { dialogOf, linkOf, loadDialog, unloadDialog } from './message-link.ts'
import type { DialogServices } from './services.ts'
import { fixRoute, validateDialog } from './validate.ts'

const routeName = optional(arg('route', 'str', 'Name of the route; without, none.'))

/** Script functions about the call as a whole. */
export const callSpecs = {
  create_dialog: {
    args: [
      optional(
        arg(
          'flags',
          'str',
          'Words divided by commas: bye-on-timeout, options-ping-caller, options-ping-callee, reinvite-ping-caller, reinvite-ping-callee, end-on-race-condition, auto-prack; or the letters B, P, p, R, r, E.',
        ),
      ),
    ],
    routes: ['request'],
    returns: '1 made, or made before; −1 not an INVITE that begins a call',
    doc: 'Follows the call that this INVITE begins. A second call adds flags.',
  },
  match_dialog: {
    args: [optional(arg('mode', 'str', 'DID_ONLY, DID_FALLBACK or DID_NONE; by default dlg_match_mode.'))],
    routes: ['request'],
    returns: '1 found; −1 none',
    doc: 'Finds the dialog a request is inside of, where loose_route() cannot.',
  },
  validate_dialog: {
    args: [],
    routes: ['request'],
    returns: '1 as it should be; −1 wrong CSeq; −2 wrong Request-URI; −3 wrong Route set; −4 no dialog',
    doc: 'Checks a request against the dialog it is inside of.',
  },
  fix_route_dialog: {
    args: [],
    routes: ['request'],
    returns: '1 done; −1 no dialog, or one whose target is unknown',
    doc: 'Gives a request the Request-URI and Route set of its dialog.',
  },
  load_dialog_ctx: {
    args: [
      arg('dialog', 'str', 'Call-ID or id.'),
      optional(arg('type', 'str', '`callid` or `did`.')),
      optional(arg('active', 'int', '1: calls that have not ended only.')),
    ],
    routes: 'any',
    returns: '1 found; −1 not',
    doc: 'Lets variables and functions mean another call, until unload_dialog_ctx().',
  },
  unload_dialog_ctx: {
    args: [],
    routes: 'any',
    returns: '1 done; −1 none was loaded',
    doc: 'Ends what load_dialog_ctx() began.',
  },
  dlg_on_answer: {
    args: [routeName],
    routes: 'any',
    returns: '1; −1 no dialog',
    doc: 'Runs a route when the call is answered.',
  },
  dlg_on_timeout: {
    args: [routeName],
    routes: 'any',
    returns: '1; −1 no dialog',
    doc: 'Runs a route when the lifetime of the call ends; it may give more by $DLG_timeout.',
  },
  dlg_on_hangup: {
    args: [routeName],
    routes: 'any',
    returns: '1; −1 no dialog',
    doc: 'Runs a route when the call has ended.',
  },
  dlg_send_sequential: {
    args: [
      arg('method', 'str', 'Method.'),
      optional(arg('party', 'str', '`caller` or `callee`; by default callee.')),
      optional(arg('body', 'str', 'Body.')),
      optional(arg('content_type', 'str', 'Its Content-Type.')),
      optional(arg('headers', 'str', 'Header lines, each with CRLF.')),
    ],
    routes: 'any',
    returns: '1 sent; −1 no dialog, or a party that is not known well enough',
    doc: 'Sends a request within the dialog.',
  },
  dlg_inc_cseq: {
    args: [optional(arg('by', 'int', 'How much; 1.')), optional(arg('tag', 'str', 'Tag of the party it is sent to.'))],
    routes: 'any',
    returns: '1; −1 no dialog, or no party with that tag',
    doc: 'Raises the CSeq numbers of the requests that go to a party from now on.',
  },
  set_dlg_sharing_tag: {
    args: [arg('tag', 'str', 'Sharing tag.')],
    routes: 'any',
    returns: '1; −1 no dialog, or dialogs are not shared',
    doc: 'Of the nodes that share the dialog, the one that is active for the tag is responsible for it.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

const MODES: Readonly<Record<string, MatchWays>> = {
  DID_ONLY: { byId: true, byTags: false },
  DID_FALLBACK: { byId: true, byTags: true },
  DID_NONE: { byId: false, byTags: true },
}

/** Builds them. */
export function callFunctions(services: DialogServices): FunctionHandlers<typeof callSpecs> {
  const withDialog = (run: (dialog: Dialog, m: RouteContext) => boolean) => (m: RouteContext) => {
    const dialog = dialogOf(m, services.table)
    return dialog !== null && run(dialog, m) ? 1 : -1
  }
  const setRoute = (turn: keyof DialogRoutes) => (name: Arg<string> | undefined) => {
    if (name?.constant) services.namedRoutes.add(name.constant)
    return withDialog((dialog, m) => {
      dialog.routes[turn] = name?.read(m) || null
      return true
    })
  }
  return {
    create_dialog: flags => {
      const read = flagReader(services, flags)
      return m => {
        const mask = read(m)
        return mask !== null && createDialog(services, m, mask) !== null ? 1 : -1
      }
    },
    match_dialog: mode => {
      if (mode?.constant !== undefined && MODES[mode.constant] === undefined)
        mode.reject('expected DID_ONLY, DID_FALLBACK or DID_NONE')
      return m => {
        const { matchesById, matchesByTags } = services.settings
        const ways = mode === undefined ? { byId: matchesById, byTags: matchesByTags } : MODES[mode.read(m)]
        const isMatched = ways !== undefined && matchRequest(services, m, ways)
        return isMatched instanceof Promise ? isMatched.then(found => (found ? 1 : -1)) : isMatched ? 1 : -1
      }
    },
    validate_dialog: () => m => validateDialog(services.proxy, m),
    fix_route_dialog: () => m => (fixRoute(m) ? 1 : -1),
    load_dialog_ctx: (key, type, active) => m => {
      const found = find(services, key.read(m), type?.read(m) ?? 'callid', (active?.read(m) ?? 0) !== 0)
      if (found === undefined) return -1
      loadDialog(m, found)
      return 1
    },
    unload_dialog_ctx: () => m => (unloadDialog(m) ? 1 : -1),
    dlg_on_answer: setRoute('answer'),
    dlg_on_timeout: setRoute('timeout'),
    dlg_on_hangup: setRoute('hangup'),
    dlg_send_sequential: (method, party, body, contentType, headers) =>
      withDialog((dialog, m) => {
        const type = contentType === undefined ? '' : `Content-Type: ${contentType.read(m)}\r\n`
        const request = { method: method.read(m), headers: type + (headers?.read(m) ?? ''), body: body?.read(m) ?? '' }
        const receiver = party?.read(m) === 'caller' ? 'caller' : 'callee'
        return sendTo(services, dialog, receiver, request) !== null
      }),
    dlg_inc_cseq: (by, tag) =>
      withDialog((dialog, m) => {
        const direction = linkOf(m)?.direction ?? 'downstream'
        const usual = direction === 'downstream' ? dialog.callee : dialog.caller
        const wanted = tag?.read(m)
        const named = wanted === dialog.caller.tag ? dialog.caller : dialog.calleeByTag(wanted ?? '')
        const leg = wanted === undefined ? usual : named
        if (leg == null) return false
        leg.added += by?.read(m) ?? 1
        changed(services, dialog, 'state')
        return true
      }),
    set_dlg_sharing_tag: tag =>
      withDialog((dialog, m) => {
        if (services.replication === null) return false
        services.replication.setTag(dialog, tag.read(m))
        return true
      }),
  }
}

function flagReader({ log }: DialogServices, flags: Arg<string> | undefined): (m: RouteContext) => number | null {
  const constant = flags === undefined ? '' : flags.constant
  if (constant !== undefined) {
    const mask = parseCreateFlags(constant)
    if (typeof mask === 'number') return () => mask
    return flags?.reject(mask) ?? (() => null)
  }
  return m => {
    const mask = parseCreateFlags(flags?.read(m) ?? '')
    if (typeof mask === 'number') return mask
    log.error('create_dialog: flags cannot be read', { reason: mask })
    return null
  }
}

function find({ table }: DialogServices, key: string, type: string, isActiveOnly: boolean): Dialog | undefined {
  if (type === 'did') {
    const dialog = table.findText(key)
    return dialog !== undefined && isActiveOnly && dialog.endedMs !== 0 ? undefined : dialog
  }
  const ofCall = table.ofCall(key)
  return ofCall.findLast(dialog => dialog.endedMs === 0) ?? (isActiveOnly ? undefined : ofCall.at(-1))
}
