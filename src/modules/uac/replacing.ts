import type { Log } from '../../log/log.ts'
import type { ModuleApis } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { SealedText } from '../../util/sealed-text.ts'
import { nameAddr, type Party, type PartyHeader, partyOf, replaceParty } from './changes.ts'

export type RestoreMode = 'none' | 'manual' | 'auto'

/** What every file of the module works with. */
export interface UacServices {
  readonly log: Log
  readonly tm: ModuleApis['tm']
  /** Null where the modules are not loaded. */
  readonly rr: ModuleApis['rr'] | null
  readonly dialog: ModuleApis['dialog'] | null
  readonly auth: ModuleApis['uac_auth'] | null
  readonly mode: RestoreMode
  readonly forcesDialog: boolean
  /** Parameters of Record-Route that carry the parties, by header. */
  readonly storeParams: Readonly<Record<PartyHeader, string>>
  readonly seal: SealedText
}

/** uac_replace_from and uac_replace_to. Undefined leaves a part as it is, an empty display name takes it away. */
export function replace(
  services: UacServices,
  m: RouteContext,
  header: PartyHeader,
  wanted: { readonly display: string | undefined; readonly uri: string | undefined },
): boolean {
  const { message } = m
  const address = header === 'from' ? message.from : message.to
  if (address === null) return false
  const uri = wanted.uri === undefined || wanted.uri === '' ? address.uri : wanted.uri
  if (parseUri(uri) === null || /[<>\s]/.test(uri)) {
    services.log.error('this cannot be written into a header: it is no URI', { header, uri })
    return false
  }
  const display = wanted.display === undefined ? address.display : quoted(wanted.display)
  const party = { before: partyOf(message, header), after: nameAddr(display, uri) }
  if (!replaceParty(m, header, party.after)) {
    services.log.error('the header was replaced before', { header, callid: message.callId })
    return false
  }
  if (services.mode !== 'none' && message.toTag === '') store(services, m, header, party)
  return true
}

/** RFC 3261 §25.1 display-name; what could end the quotes is escaped. */
function quoted(display: string): string {
  if (display === '' || /^".*"$/s.test(display)) return display.replace(/[\r\n]/g, '')
  return `"${display.replace(/[\r\n]/g, '').replace(/["\\]/g, '\\$&')}"`
}

/** Keeps what was replaced, for requests inside the dialog: with the dialog if there is one, else in our Record-Route. */
function store(services: UacServices, m: RouteContext, header: PartyHeader, party: Party): void {
  const { dialog, rr, forcesDialog, storeParams, seal } = services
  const call = dialog?.current(m) ?? (forcesDialog ? dialog?.create(m) : null)
  const text = JSON.stringify([party.before, party.after])
  if (call != null) call.values.set(dialogKey(header), text)
  else rr?.addParams(m, `;${storeParams[header]}=${seal.seal(text)}`)
}

/** What was replaced when the dialog of this request began; null where nothing was, or nobody knows. */
function stored(services: UacServices, m: RouteContext, header: PartyHeader): Party | null {
  const { dialog, rr, storeParams, seal } = services
  const value = dialog?.link(m)?.dialog.values.get(dialogKey(header))
  const token = value === undefined ? (rr?.param(m, storeParams[header]) ?? null) : null
  const text = value === undefined ? (token === null ? null : seal.open(token)) : String(value)
  return text === null ? null : readParty(text)
}

function readParty(text: string): Party | null {
  try {
    const [before, after] = JSON.parse(text) as readonly unknown[]
    return typeof before === 'string' && typeof after === 'string' ? { before, after } : null
  } catch {
    return null
  }
}

const dialogKey = (header: PartyHeader): string => `uac_${header}`

/**
 * Gives a request inside a dialog the parties that its receiver knows: towards the callee what was put in, towards the
 * caller what was there before, in the other header (RFC 3261 §12.2.1.1). False: there is nothing to do.
 */
export function restoreRequest(services: UacServices, m: RouteContext, header: PartyHeader): boolean {
  const party = stored(services, m, header)
  if (party === null) return false
  const isDownstream = (services.dialog?.link(m)?.direction ?? routeDirection(services, m)) === 'downstream'
  if (isDownstream) return replaceParty(m, header, party.after)
  return replaceParty(m, header === 'from' ? 'to' : 'from', party.before)
}

function routeDirection({ rr }: UacServices, m: RouteContext): 'downstream' | 'upstream' {
  return rr === null || rr.isDownstream(m) ? 'downstream' : 'upstream'
}
