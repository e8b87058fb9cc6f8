import type { RouteContext, Verdict } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { sameUri } from '../../sip/codec/uri.ts'
import { andThen } from '../../util/and-then.ts'
import { aorOf } from './aor.ts'
import { type Binding, readWish, seconds } from './bindings.ts'
import { onContacts } from './contact-work.ts'
import { pathOf } from './path.ts'
import { matchingOf } from './push-headers.ts'
import { isRefusal, type Refusal, refuse } from './refusal.ts'
import type { Registrar } from './registrar.ts'
import { store } from './registration.ts'
import { contactFactory, type SaveCall } from './save.ts'

/**
 * `save()` in a reply route: the contacts of the REGISTER that was answered, each for the time the registrar upstream
 * granted it. 1 stored; −1 no REGISTER or no 2xx to one; −2 not stored.
 */
export function saveFromReply(registrar: Registrar, m: RouteContext, call: SaveCall): Verdict | Promise<Verdict> {
  const { request, message: reply } = m
  if (request === null || reply.status < 200 || reply.status > 299) return -1
  const { flags } = call
  const wish = readWish(request.message, {
    leastExpiresS: 0,
    mostExpiresS: 0,
    defaultExpiresS: registrar.defaultExpiresS,
    mostContactChars: registrar.mostContactChars,
    deviationS: 0,
    random: registrar.random,
  })
  const uri = call.aorUri ?? request.message.to?.uri
  const aor = uri === undefined ? null : aorOf(uri, registrar.aor)
  const path = flags.path === 'ignored' ? '' : pathOf(request.message)
  if (isRefusal(wish) || aor === null || isRefusal(aor) || path === null) {
    registrar.counters.rejected.value++
    return -2
  }
  // A script that has changed the contact says how the registrar upstream knows it.
  const modified = registrar.variables.modifiedContact?.get(request) ?? null
  const upstreamUri = (binding: Binding) =>
    modified === null || wish.kind !== 'bindings' || wish.bindings.length > 1 ? binding.uri : String(modified)
  const granted =
    wish.kind === 'remove all'
      ? wish
      : {
          kind: wish.kind,
          bindings: wish.bindings.map(binding => ({
            ...binding,
            expiresS: grantedS(reply, binding, upstreamUri(binding)),
          })),
        }
  const work = (): Refusal | null =>
    store(
      {
        domain: call.domain,
        aor,
        callId: request.message.callId,
        cseq: request.message.cseq,
        matching: matchingOf(registrar, flags),
        mostContacts: flags.mostContacts,
        force: flags.force,
        evictLast: registrar.evictLast,
        acceptsSameCseq: registrar.acceptsSameCseq,
        nowS: Math.floor(registrar.clock.nowMs() / 1000),
        data: contactFactory(registrar, request, call, path),
      },
      granted,
    )
  const failed = refuse(500, 'The location store failed')
  return andThen(onContacts(registrar, call.domain, aor, work, failed), refusal => {
    registrar.counters[refusal === null ? 'accepted' : 'rejected'].value++
    return refusal === null ? 1 : -2
  })
}

/** Time the reply grants a contact, seconds; 0 when the reply does not list it: it is not bound upstream. */
function grantedS(reply: SipMessage, binding: Binding, uri: string): number {
  const { contacts } = reply
  if (contacts === null || contacts === '*') return 0
  const listed = contacts.find(contact => sameUri(contact.uri, uri))
  if (listed === undefined) return 0
  const text = listed.params.get('expires') ?? reply.value(HeaderId.expires)
  return text === null ? binding.expiresS : (seconds(text) ?? binding.expiresS)
}
