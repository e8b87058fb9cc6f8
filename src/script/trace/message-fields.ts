import type { SipMessage } from '../../sip/codec/message.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { RouteContext } from '../context.ts'
import type { RunBegun } from './records.ts'

type MessageFields = Pick<RunBegun, 'method' | 'status' | 'callid' | 'from' | 'source'>

/** What a run says of its message. */
export function describeMessage({ message, origin }: RouteContext): MessageFields {
  return {
    method: methodOf(message),
    status: message.isRequest ? null : message.status,
    callid: message.callId,
    from: userAtHost(message.from?.uri ?? ''),
    source: `${origin.address.includes(':') ? `[${origin.address}]` : origin.address}:${origin.port}`,
  }
}

/** What a trace can be narrowed by; the values are those of {@link fieldsOf}. */
export const TRACE_KEYS = ['callid', 'method', 'from', 'to', 'ruri', 'source', 'kind'] as const

/** The values of a message, by the names of {@link TRACE_KEYS}. */
export function fieldsOf({ message, origin, kind }: RouteContext): readonly (string | null)[] {
  return [
    message.callId,
    methodOf(message),
    userAtHost(message.from?.uri ?? ''),
    userAtHost(message.to?.uri ?? ''),
    message.isRequest ? message.requestUri : null,
    origin.address,
    kind,
  ]
}

const methodOf = (message: SipMessage): string => (message.isRequest ? message.method : message.cseqMethod)

function userAtHost(uri: string): string {
  const parsed = parseUri(uri)
  if (parsed === null) return uri
  return parsed.user === '' ? parsed.host : `${parsed.user}@${parsed.host}`
}
