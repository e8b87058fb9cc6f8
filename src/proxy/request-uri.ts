import { splitUri } from '../sip/codec/uri-parse.ts'

/**
 * The URI as it may stand in a request line: headers and the method parameter are only for URIs elsewhere
 * (RFC 3261 §19.1.1 table 1, §19.1.5). A text that is no SIP URI stays as it is.
 */
export function asRequestUri(uri: string): string {
  if (!uri.includes('?') && !(uri.includes(';') && /;method/i.test(uri))) return uri
  const split = splitUri(uri)
  if (split === null || split.scheme === 'tel') return uri
  const params = uri.slice(split.paramsStart, split.headersStart)
  return uri.slice(0, split.paramsStart) + withoutMethod(params)
}

function withoutMethod(params: string): string {
  return params
    .split(';')
    .filter(param => !/^method(=|$)/i.test(param))
    .join(';')
}
