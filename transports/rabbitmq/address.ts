import { type Address, AddressError } from '../../src/events/transport.ts'

/** Where events of a `rabbitmq:` socket go. */
export interface RabbitMqAddress extends Address {
  readonly user: string
  readonly password: string
  readonly host: string
  readonly port: number
  readonly vhost: string
  /** Empty: the default exchange, which routes to the queue named by the routing key. */
  readonly exchange: string
  readonly routingKey: string
  readonly tlsDomain: string | undefined
  /** The broker writes the messages to disk (delivery mode 2). */
  readonly persistent: boolean
  /** A message no queue takes is an error. Always so with the default exchange, where it can only mean a lost event. */
  readonly mandatory: boolean
}

type Facts = Omit<RabbitMqAddress, keyof Address>
type Target = Pick<Facts, 'exchange' | 'routingKey' | 'tlsDomain' | 'vhost' | 'persistent' | 'mandatory'>

const GUEST = 'guest'
const AMQP_PORT = 5672
const AMQPS_PORT = 5671
/** AMQP 0-9-1 §4.2.5.3: names travel as short strings. */
const SHORT_STRING_BYTES = 255

/**
 * Parses what follows `rabbitmq:`.
 *
 *     [user[:password]@]host[:port]/[params?]routing_key
 *     params = param *(";" param)
 *     param  = exchange=name | tls_domain=name | vhost=name | persistent | mandatory
 *
 * In all of it `%XX` stands for a byte. A single word that is no parameter (`host/cdrs?key`) names the exchange, as
 * OpenSIPS 2.x wrote it. Throws AddressError; `tls_domain` is refused unless `useTls`.
 */
export function parseRabbitMqAddress(rest: string, useTls: boolean): RabbitMqAddress {
  const slash = rest.indexOf('/')
  if (slash < 0) throw new AddressError('expected "/" and a routing key after the host', rest, rest.length)
  const target = parseTarget(rest, slash + 1, useTls)
  const at = rest.lastIndexOf('@', slash)
  const login = at < 0 ? { user: GUEST, password: GUEST } : parseLogin(rest, at)
  const server = parseServer(rest, at + 1, slash, target.tlsDomain === undefined ? AMQP_PORT : AMQPS_PORT)
  const facts: Facts = { ...login, ...server, ...target }
  return { scheme: 'rabbitmq', text: print(facts), key: keyOf(facts), ...facts }
}

function parseLogin(rest: string, at: number): Pick<Facts, 'user' | 'password'> {
  const colon = rest.indexOf(':')
  const userEnd = colon >= 0 && colon < at ? colon : at
  if (userEnd === 0) throw new AddressError('expected a user name before "@"', rest, 0)
  const user = decode(rest, 0, userEnd)
  // A user without a password has the password "guest" (event_rabbitmq reference).
  return { user, password: userEnd < at ? decode(rest, userEnd + 1, at) : GUEST }
}

function parseServer(rest: string, start: number, end: number, dfltPort: number): Pick<Facts, 'host' | 'port'> {
  const bracket = rest[start] === '[' ? rest.indexOf(']', start) : start - 1
  if (bracket >= end || (rest[start] === '[' && bracket < 0))
    throw new AddressError('expected "]" after the IPv6 address', rest, end)
  const colon = rest.indexOf(':', bracket + 1)
  const hostEnd = colon < 0 || colon > end ? end : colon
  const host = bracket > start ? rest.slice(start + 1, bracket) : decode(rest, start, hostEnd)
  if (host === '') throw new AddressError('expected a host name or address', rest, start)
  if (bracket > start && hostEnd !== bracket + 1)
    throw new AddressError('expected ":" or "/" after "]"', rest, bracket + 1)
  return { host, port: hostEnd === end ? dfltPort : parsePort(rest, hostEnd + 1, end) }
}

function parsePort(rest: string, start: number, end: number): number {
  const digits = rest.slice(start, end)
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port >= 1 && port <= 65535) return port
  const hint = digits.includes(':') ? ' (an IPv6 address stands in brackets)' : ''
  throw new AddressError(`expected a port from 1 to 65535, found "${digits}"${hint}`, rest, start)
}

function parseTarget(rest: string, start: number, useTls: boolean): Target {
  const question = rest.indexOf('?', start)
  const keyStart = question < 0 ? start : question + 1
  const routingKey = shortString(rest, keyStart, rest.length)
  if (routingKey === '') throw new AddressError('expected a routing key', rest, rest.length)
  const params = question < 0 ? {} : parseParams(rest, start, question, useTls)
  const exchange = params.exchange ?? ''
  return {
    exchange,
    routingKey,
    tlsDomain: params.tlsDomain,
    vhost: params.vhost ?? '/',
    persistent: params.persistent ?? false,
    mandatory: exchange === '' || (params.mandatory ?? false),
  }
}

interface Params {
  exchange?: string
  tlsDomain?: string
  vhost?: string
  persistent?: boolean
  mandatory?: boolean
}

function parseParams(rest: string, start: number, end: number, useTls: boolean): Params {
  const params: Params = {}
  const words = rest.slice(start, end).split(';')
  let offset = start
  for (const word of words) {
    parseParam(rest, offset, word, params, words.length === 1, useTls)
    offset += word.length + 1
  }
  return params
}

function parseParam(rest: string, offset: number, word: string, params: Params, alone: boolean, useTls: boolean): void {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const valueStart = offset + equals + 1
  const valueEnd = offset + word.length
  if (word === '') return
  if (word === 'persistent') params.persistent = true
  else if (word === 'mandatory') params.mandatory = true
  else if (equals >= 0 && name === 'exchange') params.exchange = shortString(rest, valueStart, valueEnd)
  else if (equals >= 0 && name === 'vhost') params.vhost = shortString(rest, valueStart, valueEnd)
  else if (equals >= 0 && name === 'tls_domain') {
    if (!useTls) throw new AddressError('tls_domain needs modparam("event_rabbitmq", "use_tls", 1)', rest, offset)
    params.tlsDomain = decode(rest, valueStart, valueEnd)
  } else if (equals < 0 && alone) params.exchange = shortString(rest, offset, valueEnd)
  else
    throw new AddressError(
      `unknown parameter "${name}"; known are exchange=, tls_domain=, vhost=, persistent and mandatory`,
      rest,
      offset,
    )
}

function shortString(rest: string, start: number, end: number): string {
  const text = decode(rest, start, end)
  const bytes = Buffer.byteLength(text)
  if (bytes > SHORT_STRING_BYTES)
    throw new AddressError(`expected at most ${SHORT_STRING_BYTES} bytes, found ${bytes}`, rest, start)
  return text
}

function decode(rest: string, start: number, end: number): string {
  const text = rest.slice(start, end)
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AddressError('bad %XX escape (a "%" itself is written %25)', rest, start + text.indexOf('%'))
  }
}

/**
 * The canonical text. What is default is left out, the user always shows; the password shows as `***` unless it is
 * the one a user has by default.
 */
function print(facts: Facts): string {
  const isDefaultPort = facts.port === (facts.tlsDomain === undefined ? AMQP_PORT : AMQPS_PORT)
  const host = facts.host.includes(':') ? `[${facts.host}]` : escapeSpecial(facts.host, IN_SERVER)
  const params = [
    facts.exchange === '' ? '' : `exchange=${escapeSpecial(facts.exchange, IN_TARGET)}`,
    facts.tlsDomain === undefined ? '' : `tls_domain=${escapeSpecial(facts.tlsDomain, IN_TARGET)}`,
    facts.vhost === '/' ? '' : `vhost=${escapeSpecial(facts.vhost, IN_TARGET)}`,
    facts.persistent ? 'persistent' : '',
    facts.mandatory && facts.exchange !== '' ? 'mandatory' : '',
  ].filter(word => word !== '')
  return [
    `rabbitmq:${escapeSpecial(facts.user, IN_SERVER)}${facts.password === GUEST ? '' : ':***'}@${host}`,
    isDefaultPort ? '/' : `:${facts.port}/`,
    params.length === 0 ? '' : `${params.join(';')}?`,
    escapeSpecial(facts.routingKey, IN_TARGET),
  ].join('')
}

// What would end the part it stands in; blanks too, because they separate the sockets of a `virtual:`.
const IN_SERVER = /[\s%:@/]/gu
const IN_TARGET = /[\s%;?]/gu

function escapeSpecial(text: string, special: RegExp): string {
  return text.replace(special, character => encodeURIComponent(character))
}

function keyOf(facts: Facts): string {
  return `rabbitmq:${JSON.stringify([
    facts.host,
    facts.port,
    facts.vhost,
    facts.user,
    facts.password,
    facts.tlsDomain ?? null,
    facts.exchange,
    facts.routingKey,
    facts.persistent,
    facts.mandatory,
  ])}`
}
