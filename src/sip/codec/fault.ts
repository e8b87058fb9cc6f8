import { HeaderId } from './header-id.ts'
import type { NameAddr } from './name-addr.ts'
import { ScanFault } from './scan.ts'
import { isUriText, splitUri, uriScheme } from './uri-parse.ts'
import type { Via } from './via.ts'

/** What can be wrong with a message: the reason phrase of the reply owed. The status is 400 unless noted. */
export const FAULTS = {
  /** 505 */
  'bad-version': 'Version Not Supported',
  'bad-request-line': 'Bad Request Line',
  'bad-request-uri': 'Bad Request-URI',
  /** Of a reply: it is dropped. */
  'bad-status': 'Bad Status Code',
  'bad-header': 'Bad Header Line',
  'unterminated-headers': 'Headers Not Terminated',
  'missing-via': 'Missing Via',
  'missing-from': 'Missing From',
  'missing-to': 'Missing To',
  'missing-call-id': 'Missing Call-ID',
  'missing-cseq': 'Missing CSeq',
  'repeated-from': 'Repeated From',
  'repeated-to': 'Repeated To',
  'repeated-call-id': 'Repeated Call-ID',
  'repeated-cseq': 'Repeated CSeq',
  'repeated-max-forwards': 'Repeated Max-Forwards',
  'bad-via': 'Bad Via',
  'bad-from': 'Bad From',
  'bad-to': 'Bad To',
  'bad-cseq': 'Bad CSeq',
  'cseq-mismatch': 'CSeq Method Does Not Match',
  'bad-max-forwards': 'Bad Max-Forwards',
  'bad-route': 'Bad Route',
  'bad-content-length': 'Bad Content-Length',
  'repeated-content-length': 'Contradicting Content-Length',
  'short-body': 'Content-Length Larger Than Message',
} as const
export type FaultCode = keyof typeof FAULTS

/** The first thing wrong with a message. */
export interface Fault {
  readonly code: FaultCode
  /** Byte offset in the message. */
  readonly offset: number
  /** Status of the reply owed; 0 when the message is a reply, which nobody answers. */
  readonly status: number
  /** Reason phrase of the reply owed. */
  readonly reason: string
}

const BY_SCAN: readonly (FaultCode | null)[] = [
  null,
  'bad-version',
  'bad-request-line',
  'bad-request-uri',
  'bad-status',
  'bad-header',
  'unterminated-headers',
]

/** Headers every message must have (RFC 3261 §8.1.1); a missing Max-Forwards is added, not refused. */
const MANDATORY: readonly (readonly [HeaderId, FaultCode])[] = [
  [HeaderId.via, 'missing-via'],
  [HeaderId.from, 'missing-from'],
  [HeaderId.to, 'missing-to'],
  [HeaderId.callId, 'missing-call-id'],
  [HeaderId.cseq, 'missing-cseq'],
]

/** Headers a message may have only once (RFC 3261 §7.3.1). Equal Content-Lengths are let through. */
const SINGLE: readonly (readonly [HeaderId, FaultCode])[] = [
  [HeaderId.from, 'repeated-from'],
  [HeaderId.to, 'repeated-to'],
  [HeaderId.callId, 'repeated-call-id'],
  [HeaderId.cseq, 'repeated-cseq'],
  [HeaderId.maxForwards, 'repeated-max-forwards'],
]

const bits = (headers: readonly (readonly [HeaderId, FaultCode])[]): number =>
  headers.reduce((all, [id]) => all | (1 << id), 0)
const ALL_MANDATORY = bits(MANDATORY)
const ALL_SINGLE = bits(SINGLE)

/** What of a message is looked at for faults. */
export interface Examined {
  readonly isRequest: boolean
  readonly method: string
  readonly requestUri: string
  readonly headersEnd: number
  readonly topVia: Via | null
  readonly from: NameAddr | null
  readonly to: NameAddr | null
  readonly callId: string
  readonly cseq: number
  readonly cseqMethod: string
  readonly maxForwards: number
  find(id: HeaderId, from?: number): number
  headerStart(index: number): number
  valueStart(index: number): number
}

/** What the scan, and the reading of Content-Length and Route, have already found. */
export interface Findings {
  readonly scanFault: number
  readonly scanFaultOffset: number
  /** Bit n: header number n was seen; was seen again. */
  readonly seen: number
  readonly repeated: number
  readonly lengthFault: FaultCode | null
  readonly hasBadRoute: boolean
  /** Whether the Request-URI has the form of nearly all; if not it is looked at closely. */
  readonly hasPlainUri: boolean
}

/** The first fault of a message by RFC 3261 §7, §8.1.1, §8.2.2, §16.3 and §18.3; null when it is fine. */
export function findFault(message: Examined, findings: Findings): Fault | null {
  const byScan = BY_SCAN[findings.scanFault]
  if (byScan != null && findings.scanFault < ScanFault.header) return fault(message, byScan, findings.scanFaultOffset)
  if (message.isRequest && !findings.hasPlainUri && !isRequestUri(message.requestUri))
    return fault(message, 'bad-request-uri', message.method.length + 1)
  if (byScan != null) return fault(message, byScan, findings.scanFaultOffset)
  if ((findings.seen & ALL_MANDATORY) !== ALL_MANDATORY) {
    for (const [id, code] of MANDATORY)
      if ((findings.seen & (1 << id)) === 0) return fault(message, code, message.headersEnd)
  }
  if ((findings.repeated & ALL_SINGLE) !== 0) {
    for (const [id, code] of SINGLE)
      if ((findings.repeated & (1 << id)) !== 0) return fault(message, code, second(message, id))
  }
  const bad = badValue(message, findings)
  return bad === null ? null : fault(message, bad.code, message.valueStart(message.find(bad.header)))
}

function fault({ isRequest }: Examined, code: FaultCode, offset: number): Fault {
  return { code, offset, status: !isRequest ? 0 : code === 'bad-version' ? 505 : 400, reason: FAULTS[code] }
}

function second(message: Examined, id: HeaderId): number {
  return message.headerStart(message.find(id, message.find(id) + 1))
}

function badValue(message: Examined, findings: Findings): { code: FaultCode; header: HeaderId } | null {
  const via = message.topVia
  if (via === null || via.isMalformed) return { code: 'bad-via', header: HeaderId.via }
  if (message.from === null) return { code: 'bad-from', header: HeaderId.from }
  if (message.to === null) return { code: 'bad-to', header: HeaderId.to }
  if (message.callId === '') return { code: 'missing-call-id', header: HeaderId.callId }
  if (message.cseq < 0 || message.cseqMethod === '') return { code: 'bad-cseq', header: HeaderId.cseq }
  if (message.isRequest && message.cseqMethod !== message.method)
    return { code: 'cseq-mismatch', header: HeaderId.cseq }
  if (message.maxForwards === -2) return { code: 'bad-max-forwards', header: HeaderId.maxForwards }
  if (findings.lengthFault !== null) return { code: findings.lengthFault, header: HeaderId.contentLength }
  return findings.hasBadRoute ? { code: 'bad-route', header: HeaderId.route } : null
}

/**
 * Whether a request may have it as its target: a well-formed SIP or telephone URI without headers (RFC 3261 §19.1.1:
 * not allowed in a Request-URI), or any URI of a scheme we do not know, which is answered 416 later (§16.3).
 */
function isRequestUri(uri: string): boolean {
  const scheme = uriScheme(uri)
  if (scheme === '') return false
  if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel') return isUriText(uri)
  const split = splitUri(uri)
  return split !== null && split.headersStart === uri.length
}
