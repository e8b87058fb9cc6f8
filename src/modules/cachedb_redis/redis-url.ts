/** A server, and how to enter it. */
export interface RedisUrl {
  /** What scripts call it by: `redis` or `redis:group`. */
  readonly system: string
  /** In the order in which they are tried. */
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** TLS client domain of tls_mgm to connect with. */
  readonly tlsDomain: string | undefined
}

const DEFAULT_PORT = 6379
const FORM = 'expected redis[:group]://[[user]:password@]host[:port][,host[:port]…][/database][?tls_domain=name]'

/**
 * Reads `redis:group://user:password@host:port,host2/2`. Throws an Error that says what is wrong; it does not tell the
 * password.
 */
export function parseRedisUrl(text: string): RedisUrl {
  const parts = /^redis(?::([\w.-]+))?:\/\/(?:([^@]*)@)?([^/?@]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text.trim())
  if (parts === null) throw new Error(`cachedb_url "${hidden(text)}": ${FORM}`)
  const [, group, login, hosts = '', database = '', query = ''] = parts
  const servers = hosts.split(',').map(host => parseServer(host.trim(), text))
  if (!/^\d*$/.test(database)) throw new Error(`cachedb_url "${hidden(text)}": the database "${database}" is no number`)
  const [user, password] = parseLogin(login)
  return {
    system: group === undefined ? 'redis' : `redis:${group}`,
    servers,
    user,
    password,
    database: Number(database),
    tlsDomain: new URLSearchParams(query).get('tls_domain') ?? undefined,
  }
}

function parseServer(text: string, url: string): { readonly host: string; readonly port: number } {
  const parts = /^(\[[\da-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(text)
  const port = Number(parts?.[2] ?? DEFAULT_PORT)
  if (parts?.[1] === undefined || port < 1 || port > 65_535)
    throw new Error(`cachedb_url "${hidden(url)}": "${text}" is no host and port; ${FORM}`)
  return { host: parts[1].replace(/^\[|\]$/g, ''), port }
}

/** `user:password`, `:password` or `password`. */
function parseLogin(login: string | undefined): readonly [string | undefined, string | undefined] {
  if (login === undefined || login === '') return [undefined, undefined]
  const colon = login.indexOf(':')
  const user = colon < 0 ? '' : login.slice(0, colon)
  return [user === '' ? undefined : decodeURIComponent(user), decodeURIComponent(login.slice(colon + 1))]
}

/** Without what stands before `@`. */
const hidden = (url: string): string => url.replace(/\/\/[^@]*@/, '//***@')
