import { optionsBetween, printOptions } from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'
import { isSecret } from './signature.ts'

/** Where the requests of an `http:` or `https:` socket go. */
export interface HttpAddress extends Address {
  /** `https://host:port`. */
  readonly origin: string
  /** `host:port`, for messages. */
  readonly host: string
  /** Path and query, as they stand in the request. */
  readonly path: string
  /** Value of `Authorization`, from a login in the URL. */
  readonly authorization: string | undefined
  /** Secrets `whsec_…`, and names of those that parameters of the module hold. */
  readonly secrets: readonly string[]
  /** Most events in a request; undefined: one, by itself. */
  readonly batch: number | undefined
  /** Requests at a time; undefined: as the module has it. */
  readonly connections: number | undefined
  readonly tlsDomain: string | undefined
}

const OPTIONS = { secret: 'text', batch: 'int', connections: 'int', tls_domain: 'text' } as const
const LIMITS = { batch: 1000, connections: 256 } as const
/** The name of a secret; what listings show in its place can be parsed too. */
const NAME = /^(?!whsec_)[\w.-]+$|^\*\*\*$/
const SECRET_PARAMETER = /([?&][^=&]*(?:secret|token|key|password|pwd|sig|auth)[^=&]*)=[^&]*/giu

/**
 * Parses what follows the scheme: a URL, whose fragment, which no server is ever sent, holds our own options.
 *
 *     //[user:password@]host[:port][/path][?query][#option[&option…]]
 *     option = secret=secret[,secret…] | batch=n | connections=n | tls_domain=name
 *
 * In options `%XX` stands for a byte. Listings mask passwords, secrets, and parameters of the query that are named like one.
 * Throws AddressError.
 */
export function parseHttpAddress(scheme: 'http' | 'https', rest: string): HttpAddress {
  const hash = rest.indexOf('#')
  const end = hash < 0 ? rest.length : hash
  const url = parseUrl(scheme, rest.slice(0, end))
  const options = optionsBetween(rest, hash < 0 ? end : hash + 1, rest.length, OPTIONS)
  const facts = {
    origin: url.origin,
    host: url.host,
    path: `${url.pathname}${url.search}`,
    authorization: authorizationOf(url),
    secrets: secretsOf(options.secret, rest, end),
    batch: inRange('batch', options.batch, rest, end),
    connections: inRange('connections', options.connections, rest, end),
    tlsDomain: options.tls_domain,
  }
  if (scheme === 'http' && facts.tlsDomain !== undefined)
    throw new AddressError('tls_domain= is for https: only', rest, end)
  return { scheme, text: print(scheme, url, facts), key: `${scheme}:${JSON.stringify(facts)}`, ...facts }
}

function parseUrl(scheme: string, text: string): URL {
  // The parser would make up slashes that are missing.
  const url = /^\/\/[^/]/.test(text) ? URL.parse(`${scheme}:${text}`) : null
  if (url === null || url.port === '0')
    throw new AddressError(`expected a URL such as ${scheme}://host:8080/path`, text, 0)
  return url
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const login = `${decoded(username)}:${decoded(password)}`
  return `Basic ${Buffer.from(login).toString('base64')}`
}

/** Undoes the escapes of a URL; what is not one stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function secretsOf(text: string | undefined, rest: string, at: number): readonly string[] {
  if (text === undefined) return []
  const secrets = text.split(',')
  for (const secret of secrets) {
    if (isSecret(secret) || NAME.test(secret)) continue
    throw new AddressError('expected "secret=" with whsec_ and base64, or a name; "," between several', rest, at)
  }
  return secrets
}

function inRange(name: keyof typeof LIMITS, value: number | undefined, rest: string, at: number): number | undefined {
  if (value === undefined || (value >= 1 && value <= LIMITS[name])) return value
  throw new AddressError(`expected ${name}= from 1 to ${LIMITS[name]}, found ${value}`, rest, at)
}

function print(scheme: string, url: URL, facts: Omit<HttpAddress, keyof Address>): string {
  const login = facts.authorization === undefined ? '' : `${url.username}:***@`
  const options = printOptions({
    secret: facts.secrets.length === 0 ? undefined : '***',
    batch: facts.batch,
    connections: facts.connections,
    tls_domain: facts.tlsDomain,
  })
  const shownPath = `${url.pathname}${url.search.replace(SECRET_PARAMETER, '$1=***')}`
  return `${scheme}://${login}${url.host}${shownPath}${options.replace('?', '#')}`
}
