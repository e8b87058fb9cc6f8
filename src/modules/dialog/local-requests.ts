import { changed } from './changes.ts'
import { CALLEE_CALL_ID, type Dialog, type Leg, SHOWN_CONTACT } from './dialog.ts'
import type { DialogServices } from './services.ts'

/** What became of a request made here. */
export type LocalResult = Awaited<ReturnType<DialogServices['tm']['request']>>

/** Which party a request made here goes to. */
export type Party = 'caller' | 'callee'

/** A request made here, on behalf of the other party. */
export interface DialogRequest {
  readonly method: string
  /** Complete header lines. */
  readonly headers?: string
  readonly body?: string
}

/**
 * Sends a request within the dialog, as if the other party had (RFC 3261 §12.2.1.1): its Route set, and a CSeq one
 * above what was sent before. Null: that party is not known well enough.
 */
export function sendTo(
  services: DialogServices,
  dialog: Dialog,
  party: Party,
  request: DialogRequest,
  callee: Leg | null = dialog.callee,
): Promise<LocalResult> | null {
  if (callee === null) return null
  const [receiver, sender]: readonly [Leg, Leg] = party === 'caller' ? [dialog.caller, callee] : [callee, dialog.caller]
  if (receiver.contact === '') return null
  receiver.added++
  // Whoever goes on with the call, after a crash or on another node, must count on from there.
  changed(services, dialog, 'state')
  const { fromUri, toUri, callId } = dialog.origin
  const callerSide = `<${fromUri}>;tag=${dialog.caller.tag}`
  const calleeSide = `<${toUri}>${callee.tag === '' ? '' : `;tag=${callee.tag}`}`
  const shown = dialog.values.get(SHOWN_CONTACT[party === 'caller' ? 'callee' : 'caller']) ?? sender.contact
  const contact = request.method === 'INVITE' && shown !== '' ? `Contact: <${shown}>\r\n` : ''
  const routes = receiver.routes.map(route => `Route: ${route}\r\n`).join('')
  return services.tm.request({
    method: request.method,
    uri: receiver.contact,
    from: party === 'caller' ? calleeSide : callerSide,
    to: party === 'caller' ? callerSide : calleeSide,
    callId: party === 'caller' ? callId : String(dialog.values.get(CALLEE_CALL_ID) ?? callId),
    cseq: sender.cseq + receiver.added,
    headers: routes + contact + (request.headers ?? '') + services.settings.extraHeaders,
    body: request.body ?? '',
    nextHop: uriOf(receiver.routes[0]),
    socket: receiver.socket,
  })
}

/** Sends a BYE to each party. */
export function endParties(services: DialogServices, dialog: Dialog, headers: string): void {
  for (const party of ['caller', 'callee'] as const) void sendTo(services, dialog, party, { method: 'BYE', headers })
}

function uriOf(route: string | undefined): string | null {
  return /<([^>]*)>/.exec(route ?? '')?.[1] ?? null
}
