import { escaped, printServer, type Server, SPECIAL, serversBetween, unescaped } from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'

/** The exchange types of AMQP 0-9-1 §3.1.3. */
export const EXCHANGE_TYPES = ['direct', 'fanout', 'topic', 'headers'] as const
export type ExchangeType = (typeof EXCHANGE_TYPES)[number]

/** Where events of a `rabbitmq:` socket go. */
export interface RabbitMqAddress extends Address {
  readonly user: string
  readonly password: string
  /** Brokers that will do, in the order in which they are tried. */
  readonly servers: readonly Server[]
  readonly vhost: string
  /** Empty: the default exchange, which routes to the queue named by the routing key. */
  readonly exchange: string
  /** The exchange is declared as a durable one of this type; undefined: it must be there. */
  readonly exchangeType: ExchangeType | undefined
  readonly routingKey: string
  readonly tlsDomain: string | undefined
  /** The broker writes the messages to disk (delivery mode 2). */
  readonly persistent: boolean
  /** A message no queue takes is an error. Always so with the default exchange, where it can only mean a lost event. */
  readonly mandatory: boolean
}

type Facts = Omit<RabbitMqAddress, keyof Address>
type Login = Pick<Facts, 'user' | 'password'>
type Target = Omit<Facts, 'servers' | keyof Login>

const GUEST = 'guest'
const AMQP_PORT = 5672
const AMQPS_PORT = 5671
/** AMQP 0-9-1 §4.2.5.3: names travel as short strings. */
export const SHORT_STRING_BYTES = 255

/**
 * Parses what follows `rabbitmq:`.
 *
 *     [user[:password]@]host[:port][,host[:port]…]/[params?]routing_key
 *     params = param *(";" param)
 *     param  = exchange=name | exchange_type=(direct | fanout | topic | headers) | tls_domain=name | vhost=name
 *            | persistent | mandatory
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
  const servers = serversBetween(rest, at + 1, slash, defaultPort(target))
  const facts: Facts = { ...login, servers, ...target }
  return { scheme: 'rabbitmq', text: print(facts), key: keyOf(facts), ...facts }
}

const defaultPort = ({ tlsDomain }: Pick<Facts, 'tlsDomain'>): number =>
  tlsDomain === undefined ? AMQP_PORT : AMQPS_PORT

function parseLogin(rest: string, at: number): Login {
  const colon = rest.indexOf(':')
  const userEnd = colon >= 0 && colon < at ? colon : at
  if (userEnd === 0) throw new AddressError('expected a user name before "@"', rest, 0)
  const user = unescaped(rest, 0, userEnd)
  // A user without a password has the password "guest" (event_rabbitmq reference).
  return { user, password: userEnd < at ? unescaped(rest, userEnd + 1, at) : GUEST }
}

function parseTarget(rest: string, start: number, useTls: boolean): Target {
  const question = rest.indexOf('?', start)
  const keyStart = question < 0 ? start : question + 1
  const routingKey = shortString(rest, keyStart, rest.length)
  if (routingKey === '') throw new AddressError('expected a routing key', rest, rest.length)
  const params = question < 0 ? {} : parseParams(rest, start, question, useTls)
  const exchange = params.exchange ?? ''
  if (exchange === '' && params.exchangeType !== undefined)
    throw new AddressError('exchange_type= needs exchange=, the name of what to declare', rest, start)
  return {
    exchange,
    exchangeType: params.exchangeType,
    routingKey,
    tlsDomain: params.tlsDomain,
    vhost: params.vhost ?? '/',
    persistent: params.persistent ?? false,
    mandatory: exchange === '' || (params.mandatory ?? false),
  }
}

interface Params {
  exchange?: string
  exchangeType?: ExchangeType
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
  else if (equals >= 0 && name === 'exchange_type') params.exchangeType = exchangeType(rest, valueStart, valueEnd)
  else if (equals >= 0 && name === 'vhost') params.vhost = shortString(rest, valueStart, valueEnd)
  else if (equals >= 0 && name === 'tls_domain') {
    if (!useTls) throw new AddressError('tls_domain needs modparam("event_rabbitmq", "use_tls", 1)', rest, offset)
    params.tlsDomain = unescaped(rest, valueStart, valueEnd)
  } else if (equals < 0 && alone) params.exchange = shortString(rest, offset, valueEnd)
  else
    throw new AddressError(
      `unknown parameter "${name}"; known are exchange=, exchange_type=, tls_domain=, vhost=, persistent and mandatory`,
      rest,
      offset,
    )
}

function exchangeType(rest: string, start: number, end: number): ExchangeType {
  const text = rest.slice(start, end)
  const type = EXCHANGE_TYPES.find(known => known === text)
  if (type !== undefined) return type
  throw new AddressError(`expected an exchange type (${EXCHANGE_TYPES.join(', ')}), found "${text}"`, rest, start)
}

function shortString(rest: string, start: number, end: number): string {
  const text = unescaped(rest, start, end)
  const bytes = Buffer.byteLength(text)
  if (bytes > SHORT_STRING_BYTES)
    throw new AddressError(`expected at most ${SHORT_STRING_BYTES} bytes, found ${bytes}`, rest, start)
  return text
}

/**
 * The canonical text. What is default is left out, the user always shows; the password shows as `***` unless it is
 * the one a user has by default.
 */
function print(facts: Facts): string {
  const params = [
    facts.exchange === '' ? '' : `exchange=${escaped(facts.exchange, IN_TARGET)}`,
    facts.exchangeType === undefined ? '' : `exchange_type=${facts.exchangeType}`,
    facts.tlsDomain === undefined ? '' : `tls_domain=${escaped(facts.tlsDomain, IN_TARGET)}`,
    facts.vhost === '/' ? '' : `vhost=${escaped(facts.vhost, IN_TARGET)}`,
    facts.persistent ? 'persistent' : '',
    facts.mandatory && facts.exchange !== '' ? 'mandatory' : '',
  ].filter(word => word !== '')
  return [
    `rabbitmq:${escaped(facts.user, SPECIAL.login)}${facts.password === GUEST ? '' : ':***'}@`,
    `${facts.servers.map(server => printServer(server, defaultPort(facts))).join(',')}/`,
    params.length === 0 ? '' : `${params.join(';')}?`,
    escaped(facts.routingKey, IN_TARGET),
  ].join('')
}

/** Beside what cannot stand in any target: what ends a parameter. */
const IN_TARGET = /[\s%;?()]/gu

function keyOf({ servers, exchangeType: type, tlsDomain, ...others }: Facts): string {
  const { vhost, user, password, exchange, routingKey, persistent, mandatory } = others
  const brokers = servers.map(({ host, port }) => [host, port])
  const login = [brokers, vhost, user, password, tlsDomain ?? null]
  return `rabbitmq:${JSON.stringify([...login, exchange, type ?? null, routingKey, persistent, mandatory])}`
}
