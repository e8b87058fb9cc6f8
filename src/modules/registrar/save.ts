import type { RouteContext, Verdict } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import { andThen } from '../../util/and-then.ts'
import { contactHeader, pathHeader, refusalHeaders } from './answer.ts'
import { aorOf } from './aor.ts'
import { type Binding, readWish, type Wish } from './bindings.ts'
import { onContacts } from './contact-work.ts'
import { headerValues } from './header-values.ts'
import type { Contact, ContactData, Domain } from './location.ts'
import { ALL_METHODS, methodMask } from './methods.ts'
import { hasOption, pathOf, receivedOfPath } from './path.ts'
import { matchingOf, pushOf } from './push-headers.ts'
import { isRefusal, REASON, type Refusal, refuse } from './refusal.ts'
import type { Registrar } from './registrar.ts'
import { store } from './registration.ts'
import type { SaveFlags } from './save-flags.ts'

export interface SaveCall {
  readonly domain: Domain
  readonly flags: SaveFlags
  /** URI the address of record is taken from; undefined: that of To. */
  readonly aorUri: string | undefined
  /** Sharing tag of the node responsible for the contacts; '' none. */
  readonly shtag: string
}

/** `save()` for a REGISTER: stores its contacts and answers it. 1 stored; −1 stored but not answered; −2 refused. */
export function save(registrar: Registrar, m: RouteContext, call: SaveCall): Verdict | Promise<Verdict> {
  return andThen(register(registrar, m, call), accepted => conclude(registrar, m, call.flags, accepted))
}

function conclude(registrar: Registrar, m: RouteContext, flags: SaveFlags, accepted: Accepted | Refusal): Verdict {
  if (isRefusal(accepted)) {
    registrar.counters.rejected.value++
    registrar.log.info('Registration refused', {
      status: accepted.status,
      detail: accepted.detail,
      callId: m.message.callId,
    })
    if (flags.noReply) return -2
    answer(registrar, m, accepted.status, refusalHeaders(accepted, registrar.retryAfterS))
    return -2
  }
  registrar.counters.accepted.value++
  if (accepted.longestS > 0) registrar.keepConnection(m, accepted.longestS)
  if (flags.noReply) return 1
  return answer(registrar, m, 200, accepted.headers) > 0 ? 1 : -1
}

/** What a registration that was stored gives. */
interface Accepted {
  /** Headers of the 200. */
  readonly headers: string
  /** Time of the contact that stays longest, of those the request has, seconds. */
  readonly longestS: number
}

const STORE_FAILED: Refusal = refuse(500, 'The location store failed')

function register(
  registrar: Registrar,
  m: RouteContext,
  call: SaveCall,
): Accepted | Refusal | Promise<Accepted | Refusal> {
  const { message } = m
  const { flags, domain } = call
  if (message.to === null || message.callId === '' || message.cseq < 0) {
    return refuse(400, 'To, Call-ID and CSeq are needed')
  }
  const wish = readWish(message, {
    ...flags,
    defaultExpiresS: registrar.defaultExpiresS,
    mostContactChars: registrar.mostContactChars,
    deviationS: registrar.deviationS,
    random: registrar.random,
  })
  if (isRefusal(wish)) return wish
  const pushed = pushOf(registrar, message, wish)
  if (isRefusal(pushed)) return pushed
  const aorUri = call.aorUri ?? message.to.uri
  const aor = aorOf(aorUri, registrar.aor)
  if (isRefusal(aor)) return aor
  const path = flags.path === 'ignored' ? '' : pathOf(message)
  if (path === null) return refuse(400, 'The Path header cannot be parsed')
  const supportsPath = hasOption(message, HeaderId.supported, 'path')
  if (path !== '' && flags.path === 'strict' && !supportsPath)
    return refuse(420, 'Path needs the option "path" in Supported')

  const echoesPath = path !== '' && supportsPath && (flags.path === 'lazy' || flags.path === 'strict')
  const gruus = hasOption(message, HeaderId.supported, 'gruu') ? (registrar.gruu?.writer(aor, aorUri) ?? null) : null
  const work = (): Accepted | Refusal => {
    const nowS = Math.floor(registrar.clock.nowMs() / 1000)
    const refusal = store(
      {
        domain,
        aor,
        callId: message.callId,
        cseq: message.cseq,
        matching: matchingOf(registrar, flags),
        mostContacts: flags.mostContacts,
        force: flags.force,
        evictLast: registrar.evictLast,
        acceptsSameCseq: registrar.acceptsSameCseq,
        nowS,
        data: contactFactory(registrar, m, call, path),
      },
      wish,
    )
    if (refusal !== null) return refusal
    const contacts = flags.onlyRequested ? requested(domain.contacts(aor), wish) : domain.contacts(aor)
    const own = { nowS, receivedParam: registrar.receivedParam, gruus }
    const echoed = echoesPath ? pathHeader(message) : ''
    return { headers: contactHeader(contacts, own) + echoed + pushed, longestS: longestS(wish) }
  }
  return onContacts(registrar, domain, aor, work, STORE_FAILED)
}

function longestS(wish: Wish): number {
  return wish.kind === 'bindings' ? wish.bindings.reduce((most, { expiresS }) => Math.max(most, expiresS), 0) : 0
}

/** Makes what is stored of each contact; all that the contacts of one REGISTER share is read once. */
export function contactFactory(
  registrar: Registrar,
  m: RouteContext,
  { flags, shtag }: SaveCall,
  path: string,
): (binding: Binding, expiresS: number) => ContactData {
  const { message } = m
  const allowed = headerValues(message, HeaderId.allow)
  const methods = allowed.length === 0 ? ALL_METHODS : methodMask(allowed.join(','))
  const userAgent = message.value(HeaderId.userAgent) ?? ''
  const received = receivedFrom(registrar, m, flags, path)
  const attr = textOf(registrar.variables.attr?.get(m))
  const socket = socketOf(registrar, message, flags) ?? m.origin.socket
  return (binding, expiresS) => ({
    uri: binding.uri,
    expiresS,
    q: binding.q ?? registrar.defaultQ,
    callId: message.callId,
    cseq: message.cseq,
    flags: flags.memoryOnly ? registrar.location.memoryOnly : 0,
    cflags: m.target.flags,
    userAgent,
    received: usable(received === '' ? binding.received : received, registrar.mostContactChars),
    path,
    socket,
    methods: binding.methods === '' ? methods : methodMask(binding.methods),
    instance: binding.instance,
    attr,
    shtag,
  })
}

function receivedFrom({ variables }: Registrar, m: RouteContext, flags: SaveFlags, path: string): string {
  const fromPath = flags.pathReceived ? receivedOfPath(path) : ''
  return fromPath === '' ? textOf(variables.received?.get(m)) : fromPath
}

/** Requests for the contact are sent there and replies show it in quotes: anything but a plain SIP URI is ''. */
function usable(received: string, mostChars: number): string {
  const isPlain = received.length <= mostChars && /^[!#-~]+$/.test(received) && !received.includes('\\')
  return isPlain && parseUri(received) !== null ? received : ''
}

function socketOf({ proxy, socketHeader }: Registrar, message: SipMessage, flags: SaveFlags): ListenSocket | undefined {
  if (!flags.socketHeader || socketHeader === undefined) return undefined
  const at = message.findNamed(socketHeader)
  return at < 0 ? undefined : proxy.findSocket(message.headerValue(at))
}

function textOf(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}

function requested(contacts: readonly Contact[], wish: Wish): readonly Contact[] {
  if (wish.kind !== 'bindings') return []
  const uris = new Set(wish.bindings.map(binding => binding.uri))
  return contacts.filter(contact => uris.has(contact.uri))
}

/** Sends a reply with these headers; later replies to the same request do not carry them. */
function answer(registrar: Registrar, m: RouteContext, status: 200 | Refusal['status'], headers: string): Verdict {
  const before = m.replyHeaders
  m.replyHeaders = before + headers
  const sent = registrar.reply(m, status, REASON[status])
  m.replyHeaders = before
  return sent
}
