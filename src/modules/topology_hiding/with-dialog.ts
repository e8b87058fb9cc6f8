import type { ModuleApis } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import { ownContact } from './contact.ts'
import { type ContactWriter, hideRequest, routeTo } from './hiding.ts'
import { changedCallId, type TopologyServices } from './services.ts'
import { type HidingFlags, parseHidingFlags } from './settings.ts'

type Dialog = NonNullable<ReturnType<ModuleApis['dialog']['current']>>

/** Parameter of our Contact that holds the id of the dialog. */
const ID_PARAM = 'did'
/** Under these names the values of a dialog hold the flags it was hidden with, and what the dialog module is told by. */
const FLAGS_VALUE = 'th_flags'
export const CALLEE_CALL_ID = 'th_callee_callid'
const SHOWN_CONTACT = { caller: 'th_caller_contact', callee: 'th_callee_contact' } as const

/** Hides the caller of an INVITE, and everything of its dialog from then on. */
export function hideDialog(
  services: TopologyServices,
  m: RouteContext,
  dialog: Dialog,
  flags: HidingFlags,
  texts: { readonly flags: string; readonly params: string },
): boolean {
  if (dialog.values.has(FLAGS_VALUE)) return false
  dialog.values.set(FLAGS_VALUE, `${texts.flags}|${texts.params}`)
  dialog.hidesRoutes = true
  const { callId } = m.message
  const changed = flags.changesCallId ? changedCallId(services, callId) : null
  if (changed !== null) dialog.values.set(CALLEE_CALL_ID, changed)
  hideRequest(services.proxy, m, contactWriter(services, dialog, flags, 'downstream'), changed)
  return true
}

/** Whether a Request-URI is a Contact of ours, and of which dialog. Null: it is not. */
export function dialogIdIn(uri: SipUri): string | null {
  const named = uri.params.get(ID_PARAM)
  if (named !== null && named !== '') return named
  return /^[0-9a-f]+\.[0-9a-f]+$/i.test(uri.user) ? uri.user : null
}

/** Takes a request to our Contact on to the party it is for. False: it is of no dialog that was hidden. */
export async function matchDialog(services: TopologyServices, m: RouteContext, id: string): Promise<boolean> {
  const { dialog: api, proxy } = services
  const found = api?.find(id)
  const stored = found?.values.get(FLAGS_VALUE)
  if (api === null || found == null || stored === undefined) return false
  const [letters = '', params = ''] = String(stored).split('|')
  const flags = parseHidingFlags(letters, params)
  if (typeof flags === 'string' || !(await api.matchById(m, id))) return false
  const match = api.link(m)?.match
  if (match == null) return false
  const isDownstream = match.direction === 'downstream'
  const receiver = isDownstream ? match.callee : found.caller
  if (parseUri(receiver.contact) === null) return false
  const routes = receiver.routes.map(route => /<([^>]*)>/.exec(route)?.[1] ?? route)
  routeTo(m, { contact: receiver.contact, routes, socket: receiver.socket })
  const calleeCallId = found.values.get(CALLEE_CALL_ID)
  const callId = isDownstream && calleeCallId !== undefined ? String(calleeCallId) : found.origin.callId
  hideRequest(
    proxy,
    m,
    contactWriter(services, found, flags, match.direction),
    callId === m.message.callId ? null : callId,
  )
  return true
}

/** `direction` is that of the request; its replies go the other way. */
function contactWriter(
  { passed }: TopologyServices,
  dialog: Dialog,
  flags: HidingFlags,
  direction: 'downstream' | 'upstream',
): ContactWriter {
  return place => {
    const isForCallee = (direction === 'downstream') === place.message.isRequest
    const value = ownContact(place, flags, passed, {
      user: flags.idAsUser ? dialog.id : null,
      param: flags.idAsUser ? '' : `;${ID_PARAM}=${dialog.id}`,
      address: isForCallee ? flags.calleeContact : flags.callerContact,
    })
    // Requests made here for this party show the same.
    dialog.values.set(SHOWN_CONTACT[isForCallee ? 'caller' : 'callee'], /<([^>]*)>/.exec(value)?.[1] ?? '')
    return value
  }
}
