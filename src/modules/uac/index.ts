import { arg, defineModule, type FunctionHandlers, type FunctionSpec, optional, param } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import { SealedText } from '../../util/sealed-text.ts'
import { authenticate, raiseFurther } from './authentication.ts'
import { changesOf, type PartyHeader, restoreReply } from './changes.ts'
import { type RestoreMode, replace, restoreRequest, type UacServices } from './replacing.ts'

const replaceSpec = (header: string) =>
  ({
    args: [
      optional(arg('display', 'str', 'Display name; empty takes it away. A single argument that is a URI is the URI.')),
      optional(arg('uri', 'str', 'URI; empty leaves it as it is.')),
    ],
    routes: ['request', 'branch', 'failure'],
    returns: '1 done; −1 not a URI, or done before',
    doc: `Puts another party into ${header}.`,
  }) as const
const restoreSpec = (header: string) =>
  ({
    args: [],
    routes: ['request'],
    returns: '1 done; −1 nothing to do',
    doc: `Gives a request inside a call the ${header} that its receiver knows. For restore_mode "manual"; "auto" does it by itself.`,
  }) as const

const uacFunctions = {
  uac_replace_from: replaceSpec('From'),
  uac_replace_to: replaceSpec('To'),
  uac_restore_from: restoreSpec('From'),
  uac_restore_to: restoreSpec('To'),
  uac_auth: {
    args: [optional(arg('algorithms', 'str', 'Algorithms to answer with, divided by commas; all if absent.'))],
    routes: ['failure'],
    returns: '1 the next branch carries credentials; −1 no challenge, no credentials, or they were refused',
    doc: 'Answers the challenge of a 401 or 407 with credentials of the module uac_auth. Replies get the CSeq number of the caller back.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

const MODES: readonly string[] = ['none', 'manual', 'auto'] satisfies readonly RestoreMode[]

/** Acts for a party of a call towards the other: other names in From and To, answers to challenges. */
export default defineModule(
  {
    name: 'uac',
    doc: 'Replaces the parties of a call in From and To, and answers challenges for the caller.',
    depends: ['tm'],
    after: ['rr', 'dialog', 'uac_auth'],
    params: {
      restore_mode: param(
        'str',
        'auto',
        'none: nothing is restored; manual: replies are; auto: replies, and requests inside the call.',
      ),
      restore_passwd: param('str', '', 'What was replaced travels in Record-Route, sealed with this password.'),
      rr_from_store_param: param('str', 'vsf', 'Parameter of Record-Route for From.'),
      rr_to_store_param: param('str', 'vst', 'Parameter of Record-Route for To.'),
      force_dialog: param('int', 0, '1: what was replaced is kept with a dialog, which is made if there is none.'),
    },
    functions: uacFunctions,
  },
  ({ log, params, use, find }) => {
    const mode = params.restore_mode as RestoreMode
    const services: UacServices = {
      log,
      tm: use('tm'),
      rr: find('rr') ?? null,
      dialog: find('dialog') ?? null,
      auth: find('uac_auth') ?? null,
      mode,
      forcesDialog: params.force_dialog !== 0,
      storeParams: { from: params.rr_from_store_param, to: params.rr_to_store_param },
      seal: new SealedText(params.restore_passwd),
    }
    const used = { auth: false, replace: false }
    services.tm.onReplyRouted((t, branch, reply) => {
      const changes = changesOf(branch.context)
      if (reply.message.cseqMethod === t.method) restoreReply(t.request, changes, reply, mode !== 'none')
    })
    const follow = (m: Parameters<typeof raiseFurther>[1]): void => {
      if (mode !== 'auto') return
      for (const header of ['from', 'to'] as const) restoreRequest(services, m, header)
    }
    services.dialog?.onWithin(follow)
    services.rr?.onRouted(m => {
      raiseFurther(services, m)
      if (services.dialog?.link(m) === undefined) follow(m)
    })
    return {
      functions: functions(services, used),
      start: () => {
        if (!MODES.includes(params.restore_mode))
          throw new Error(`uac: restore_mode "${params.restore_mode}": expected none, manual or auto`)
        if (services.forcesDialog && services.dialog === null)
          throw new Error('uac: force_dialog needs the module dialog')
        if (used.auth && services.auth === null) throw new Error('uac: uac_auth() needs the module uac_auth')
        if (used.replace && mode === 'auto' && services.rr === null && services.dialog === null)
          throw new Error('uac: restore_mode "auto" needs the module rr or dialog')
      },
    }
  },
)

function functions(
  services: UacServices,
  used: { auth: boolean; replace: boolean },
): FunctionHandlers<typeof uacFunctions> {
  const replacer =
    (header: PartyHeader): FunctionHandlers<typeof uacFunctions>['uac_replace_from'] =>
    (display, uri) => {
      used.replace = true
      return m => {
        const only = uri === undefined ? display?.read(m) : undefined
        const wanted =
          only !== undefined && /^(?:sips?|tel):/i.test(only)
            ? { display: undefined, uri: only }
            : { display: display?.read(m), uri: uri?.read(m) }
        return replace(services, m, header, wanted) ? 1 : -1
      }
    }
  return {
    uac_replace_from: replacer('from'),
    uac_replace_to: replacer('to'),
    uac_restore_from: () => m => (restoreRequest(services, m, 'from') ? 1 : -1),
    uac_restore_to: () => m => (restoreRequest(services, m, 'to') ? 1 : -1),
    uac_auth: algorithms => {
      used.auth = true
      return m => authenticate(services, m, algorithmSet(algorithms, m))
    },
  }
}

function algorithmSet(
  algorithms: Arg<string> | undefined,
  m: Parameters<Arg<string>['read']>[0],
): ReadonlySet<string> | null {
  if (algorithms === undefined) return null
  const names = algorithms.read(m).split(/[\s,]+/)
  return new Set(names.filter(name => name !== '').map(name => name.toUpperCase()))
}
