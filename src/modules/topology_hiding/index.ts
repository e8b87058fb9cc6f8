import { arg, defineModule, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { SealedText } from '../../util/sealed-text.ts'
import { parameterNames } from './contact.ts'
import { hideReply, isHidden } from './hiding.ts'
import type { TopologyServices } from './services.ts'
import { type HidingFlags, parseHidingFlags, topologyParams } from './settings.ts'
import { CALLEE_CALL_ID, dialogIdIn, hideDialog, matchDialog } from './with-dialog.ts'
import { hideStateless, matchStateless } from './without-dialog.ts'

/** Keeps from each side of a call how the other is reached. */
export default defineModule(
  {
    name: 'topology_hiding',
    doc: 'Keeps from each side of a call where the other is: Via, Record-Route, Contact and, if wanted, Call-ID are ours. Replaces record_route() and loose_route() for the calls it hides.',
    depends: ['tm'],
    after: ['dialog'],
    params: topologyParams,
    functions: {
      topology_hiding: {
        args: [
          optional(
            arg('flags', 'str', 'U: the user in Contact stays; C: another Call-ID; D: the dialog id is the user.'),
          ),
          optional(
            arg('params', 'str', 'caller-contact=host:port and callee-contact=host:port, shown instead of ours.'),
          ),
        ],
        routes: ['request'],
        returns: '1 done; −1 inside a dialog, or done before',
        doc: 'Hides where the request comes from, and where its replies do; later requests of the dialog come to us. With a dialog (create_dialog) nothing of the other side is sent out at all, without one it travels sealed in Contact. The request must be sent on with t_relay().',
      },
      topology_hiding_match: {
        args: [],
        routes: ['request'],
        returns: '1 the request is of a hidden dialog, and goes where that leads; −1 it is not',
        doc: 'Takes a request that was sent to our Contact on to the party it is for.',
      },
    },
    pvars: {
      TH_callee_callid: {
        type: 'str',
        writable: false,
        doc: 'Call-ID that the callee knows the call by; NULL where it is the same.',
      },
    },
  },
  ({ host, log, params, given, use, find }) => {
    const encoding = params.th_contact_encode_scheme === 'base32' ? 'base32' : 'base64url'
    const services: TopologyServices = {
      log,
      proxy: host.proxy,
      tm: use('tm'),
      dialog: find('dialog') ?? null,
      forcesDialog: params.force_dialog !== 0,
      passed: {
        ofUri: parameterNames(params.th_passed_contact_uri_params),
        ofHeader: parameterNames(params.th_passed_contact_params),
      },
      callIdPrefix: params.th_callid_prefix,
      callIdSeal: new SealedText(params.th_callid_passwd),
      contactParam: params.th_contact_encode_param,
      contactSeal: new SealedText(params.th_contact_encode_passwd, encoding),
    }
    services.tm.onReplyRouted((t, branch, reply) => {
      if (reply.message.cseqMethod === t.method) hideReply(t.request, branch.context, reply, branch.socket)
    })
    let isUsed = false
    return {
      functions: {
        topology_hiding: (flags, texts) => {
          isUsed = true
          const read = flagReader(services, flags, texts)
          return m => {
            const wanted = read(m)
            return wanted !== null && hide(services, m, wanted) ? 1 : -1
          }
        },
        topology_hiding_match: () => m => match(services, m),
      },
      pvars: {
        TH_callee_callid: () => ({
          get: m => services.dialog?.current(m)?.values.get(CALLEE_CALL_ID) ?? null,
        }),
      },
      start: () => {
        if (!['base64', 'base32'].includes(params.th_contact_encode_scheme))
          throw new Error(
            `topology_hiding: th_contact_encode_scheme "${params.th_contact_encode_scheme}": expected base64 or base32`,
          )
        if (services.forcesDialog && services.dialog === null)
          throw new Error('topology_hiding: force_dialog needs the module dialog')
      },
      warnings: () =>
        isUsed && !given.has('th_contact_encode_passwd')
          ? [
              'topology_hiding: th_contact_encode_passwd is not set: whoever knows the default can read what Contact carries, and make the proxy send requests anywhere.',
            ]
          : [],
    }
  },
)

interface Wanted {
  readonly flags: HidingFlags
  readonly texts: { readonly flags: string; readonly params: string }
}

function flagReader(
  { log }: TopologyServices,
  flags: Arg<string> | undefined,
  params: Arg<string> | undefined,
): (m: RouteContext) => Wanted | null {
  if (flags?.constant !== undefined && (params === undefined || params.constant !== undefined)) {
    const parsed = parseHidingFlags(flags.constant, params?.constant ?? '')
    if (typeof parsed === 'string') flags.reject(parsed)
  }
  return m => {
    const texts = { flags: flags?.read(m) ?? '', params: params?.read(m) ?? '' }
    const parsed = parseHidingFlags(texts.flags, texts.params)
    if (typeof parsed !== 'string') return { flags: parsed, texts }
    log.error('the flags of topology_hiding() cannot be read', { reason: parsed })
    return null
  }
}

function hide(services: TopologyServices, m: RouteContext, { flags, texts }: Wanted): boolean {
  if (m.message.toTag !== '' || m.message.method === 'REGISTER' || isHidden(m)) return false
  const known = services.dialog?.current(m) ?? (services.forcesDialog ? services.dialog?.create(m) : null)
  return known == null ? hideStateless(services, m, flags, texts) : hideDialog(services, m, known, flags, texts)
}

function match(services: TopologyServices, m: RouteContext): number | Promise<number> {
  const uri = parseUri(m.target.uri)
  if (m.message.toTag === '' || isHidden(m) || uri === null) return -1
  const token = uri.params.get(services.contactParam)
  if (token !== null && token !== '') return matchStateless(services, m, token) ? 1 : -1
  const id = dialogIdIn(uri)
  return id === null ? -1 : matchDialog(services, m, id).then(found => (found ? 1 : -1))
}
