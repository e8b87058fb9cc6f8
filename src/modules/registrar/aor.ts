import { parseUri, unescapeUser } from '../../sip/codec/uri.ts'
import { type Refusal, refuse } from './refusal.ts'

export interface AorSettings {
  readonly useDomain: boolean
  readonly isCaseSensitive: boolean
  /** Taken off the front of the host. */
  readonly realmPrefix: string
  readonly mostUserChars: number
  readonly mostDomainChars: number
  readonly mostAorChars: number
}

/** The address of record a URI stands for: the user, unescaped, and the host where domains are told apart. */
export function aorOf(uri: string, settings: AorSettings): string | Refusal {
  const parsed = parseUri(uri)
  if (parsed === null) return refuse(400, 'The address of record is not a SIP URI')
  if (parsed.user === '') return refuse(400, 'The address of record has no user')
  const user = unescapeUser(parsed.user)
  const host = withoutPrefix(parsed.host, settings.realmPrefix)
  const aor = settings.useDomain ? `${user}@${host}` : user
  const { mostUserChars, mostDomainChars, mostAorChars } = settings
  if (user.length > mostUserChars || host.length > mostDomainChars || aor.length > mostAorChars) {
    return refuse(500, 'The address of record is too long')
  }
  return settings.isCaseSensitive ? aor : aor.toLowerCase()
}

function withoutPrefix(host: string, prefix: string): string {
  return prefix !== '' && host.startsWith(prefix) ? host.slice(prefix.length) : host
}
