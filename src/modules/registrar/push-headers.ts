import type { SipMessage } from '../../sip/codec/message.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Binding, Wish } from './bindings.ts'
import type { MatchingMode } from './location.ts'
import { pushKind } from './push-settings.ts'
import { type Refusal, refuse } from './refusal.ts'
import type { Registrar } from './registrar.ts'
import type { SaveFlags } from './save-flags.ts'

/**
 * The Feature-Caps of the answer to a REGISTER (RFC 8599 §5.5.1), '' for none; a refusal where a contact wants to be woken up
 * by a service that is not served, and no proxy before us serves it.
 */
export function pushOf({ push }: Registrar, message: SipMessage, wish: Wish): string | Refusal {
  if (push === null || wish.kind !== 'bindings') return ''
  const { settings } = push
  let headers = ''
  for (const { expiresS, uri, wakesItself } of wish.bindings) {
    const kind = pushKind(uri, settings)
    // "[…] unless the REGISTER request contains a Feature-Caps header field with a '+sip.pns' feature-capability
    // indicator" (RFC 8599 §5.5.1): another proxy takes care of it.
    if (kind === 'none' || expiresS === 0 || isServedBefore(message)) continue
    if (kind === 'unsupported') return refuse(555, 'The push notification service is not supported')
    const provider = parseUri(uri)?.params.get('pn-provider') ?? ''
    const pns = kind === 'query' ? settings.providers : [provider]
    const pnsreg = kind === 'push' && wakesItself ? `;+sip.pnsreg="${settings.pnsregS}"` : ''
    for (const name of pns) headers += `Feature-Caps: *;+sip.pns="${name}"${pnsreg}\r\n`
  }
  return headers
}

function isServedBefore(message: SipMessage): boolean {
  for (let i = message.findNamed('Feature-Caps'); i >= 0; i = message.findNamed('Feature-Caps', i + 1))
    if (/\+sip\.pns\s*=/i.test(message.headerValue(i))) return true
  return false
}

/** A device is known by its push parameters, since it may come back from another address. */
export function matchingOf({ push }: Registrar, { matching }: SaveFlags): (binding: Binding) => MatchingMode {
  if (push === null) return () => matching
  const { settings } = push
  return ({ uri }) => (pushKind(uri, settings) === 'push' ? settings.matching : matching)
}
