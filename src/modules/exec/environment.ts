import type { RouteContext } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Value } from '../../util/spec.ts'

/** Longest value of a variable of the environment, characters. */
const MAX_VALUE = 4096

/**
 * What a command learns of the message by its environment: `SIP_HF_` and the name of each header (`SIP_HF_USER_AGENT`; several
 * are joined by commas), `SIP_SRCIP`, the Request-URI as `SIP_RURI` and as received as `SIP_ORURI`, their users as `SIP_USER`
 * and `SIP_OUSER`, the tags of From and To as `SIP_TID` and `SIP_DID` (exec reference).
 */
export function messageVariables({ message, origin, target }: RouteContext): Record<string, string> {
  const found: Record<string, string> = {}
  for (let i = 0; i < message.headerCount; i++) {
    const name = `SIP_HF_${message
      .headerName(i)
      .toUpperCase()
      .replace(/[^A-Z0-9]/g, '_')}`
    const value = message.headerValue(i)
    found[name] = name in found ? `${found[name]},${value}` : value
  }
  const uri = message.isRequest ? target.uri : ''
  const own = {
    SIP_SRCIP: origin.address,
    SIP_RURI: uri,
    SIP_ORURI: message.requestUri,
    SIP_USER: parseUri(uri)?.user ?? '',
    SIP_OUSER: parseUri(message.requestUri)?.user ?? '',
    SIP_TID: message.fromTag,
    SIP_DID: message.toTag,
  }
  for (const [name, value] of Object.entries({ ...found, ...own })) {
    if (value === '') delete found[name]
    else found[name] = clean(value)
  }
  return found
}

/** Texts `NAME=value` as variables of the environment; what is none is left out. */
export function givenVariables(values: readonly Value[]): Record<string, string> {
  const given: Record<string, string> = {}
  for (const value of values) {
    const parts = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(String(value))
    if (parts?.[1] !== undefined) given[parts[1]] = clean(parts[2] ?? '')
  }
  return given
}

/** No environment takes a NUL. */
const clean = (text: string): string => text.replaceAll('\0', '').slice(0, MAX_VALUE)
