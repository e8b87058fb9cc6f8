import { HeaderId } from '../../sip/codec/header-id.ts'
import type { NameAddr, SipMessage } from '../../sip/codec/message.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { type Refusal, refuse } from './refusal.ts'

/** One contact of a REGISTER, with what it asks for. */
export interface Binding {
  readonly uri: string
  /** Time asked for, seconds; 0 removes the contact. */
  readonly expiresS: number
  /** 0…1000; null when not given. */
  readonly q: number | null
  /** `+sip.instance`, '' when not given. */
  readonly instance: string
  /** List of methods, '' when not given. */
  readonly methods: string
  readonly received: string
  /** `+sip.pnsreg`: it registers again by itself before it expires (RFC 8599 §4.1.2). */
  readonly wakesItself: boolean
}

/** What a REGISTER asks for (RFC 3261 §10.3 steps 6 and 7): everything removed, or these bindings; none is a query. */
export type Wish =
  | { readonly kind: 'remove all' }
  | { readonly kind: 'bindings'; readonly bindings: readonly Binding[] }

export interface BindingLimits {
  readonly defaultExpiresS: number
  readonly leastExpiresS: number
  /** 0: no limit. */
  readonly mostExpiresS: number
  readonly mostContactChars: number
  /** Seconds to take off at most, and a source of numbers 0…1 that says how many. */
  readonly deviationS: number
  readonly random: () => number
}

/** Largest delta-seconds (RFC 3261 §20.19). */
const MOST_SECONDS = 0xffffffff

export function readWish(message: SipMessage, limits: BindingLimits): Wish | Refusal {
  const { contacts } = message
  const header = message.value(HeaderId.expires)
  if (contacts === null) return refuse(400, 'The Contact header cannot be parsed')
  if (contacts === '*') {
    const isZero = header !== null && seconds(header) === 0
    return isZero ? { kind: 'remove all' } : refuse(400, '"*" as contact needs Expires: 0')
  }
  const fromHeader = header === null ? null : seconds(header)
  const bindings: Binding[] = []
  for (const contact of contacts) {
    const binding = readBinding(contact, fromHeader ?? limits.defaultExpiresS, limits)
    if ('status' in binding) return binding
    bindings.push(binding)
  }
  return { kind: 'bindings', bindings }
}

function readBinding(contact: NameAddr, headerExpiresS: number, limits: BindingLimits): Binding | Refusal {
  const { params, uri } = contact
  // RFC 3261 §20.10: a URI with a comma, semicolon or question mark must stand in angle brackets.
  if (parseUri(uri) === null || (!contact.bracketed && uri.includes('?'))) {
    return refuse(400, 'A contact is not a SIP URI')
  }
  if (uri.length > limits.mostContactChars) return refuse(400, 'A contact is too long')
  const qText = params.get('q') ?? ''
  const q = qText === '' ? null : parseQ(qText)
  if (q !== null && q < 0) return refuse(400, 'The q value of a contact is not between 0 and 1')
  const own = params.get('expires')
  const wantedS = own === null ? headerExpiresS : (seconds(own) ?? limits.defaultExpiresS)
  return {
    uri,
    expiresS: limited(wantedS, limits),
    q,
    instance: params.get('+sip.instance') ?? '',
    methods: params.get('methods') ?? '',
    received: params.get('received') ?? '',
    wakesItself: params.has('+sip.pnsreg'),
  }
}

/** Delta-seconds; too large ones become the largest, anything else null. */
export function seconds(text: string): number | null {
  return /^\d+$/.test(text) ? Math.min(Number(text), MOST_SECONDS) : null
}

/** A q value ×1000, or −1 for what is none (RFC 3261 §25.1 qvalue; more digits are rounded). */
function parseQ(text: string): number {
  if (!/^(?:\d*\.\d+|\d+\.?)$/.test(text)) return -1
  const q = Math.round(Number(text) * 1000)
  return q <= 1000 ? q : -1
}

/** RFC 3261 §10.3 step 7 lets a registrar choose the time; ours never answers 423 but moves it into its limits. */
function limited(wantedS: number, limits: BindingLimits): number {
  if (wantedS === 0) return 0
  const cappedS = limits.mostExpiresS > 0 ? Math.min(wantedS, limits.mostExpiresS) : wantedS
  const spreadS = limits.deviationS > 0 ? Math.floor(limits.random() * (limits.deviationS + 1)) : 0
  return Math.max(cappedS - spreadS, limits.leastExpiresS)
}
