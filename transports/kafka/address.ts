import { escaped, printServer, type Server, SPECIAL, serversBetween, unescaped } from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'

/** Where records of a `kafka:` socket go. */
export interface KafkaAddress extends Address {
  readonly brokers: readonly Server[]
  readonly topic: string
  /** The field whose value is the key of a record; undefined: records have none. */
  readonly keyField: string | undefined
  readonly tlsDomain: string | undefined
  /** `g.` and `t.` properties as written, without the prefix, in order. */
  readonly properties: readonly (readonly [name: string, value: string])[]
}

export const KAFKA_PORT = 9092
/** Kafka's own rule for names of topics. */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/
const SECRET = /password|secret|key$/i

/**
 * Parses what follows `kafka:`.
 *
 *     host[:port][,host[:port]…]/topic[?property[&property…]]
 *     property = (g. | t.)name=value | key=field | tls_domain=name
 *
 * In all of it `%XX` stands for a byte. Throws AddressError.
 */
export function parseKafkaAddress(rest: string): KafkaAddress {
  const question = rest.indexOf('?')
  const end = question < 0 ? rest.length : question
  const slash = rest.indexOf('/')
  if (slash < 0 || slash > end) throw new AddressError('expected "/" and a topic after the brokers', rest, end)
  const brokers = serversBetween(rest, 0, slash, KAFKA_PORT)
  const topic = unescaped(rest, slash + 1, end)
  if (!TOPIC.test(topic)) {
    const message = `expected a topic of letters, digits, ".", "_" and "-" (at most 249), found "${topic}"`
    throw new AddressError(message, rest, slash + 1)
  }
  if (question === rest.length - 1) throw new AddressError('expected a property after "?"', rest, rest.length)
  const facts = { brokers, topic, ...(question < 0 ? NO_PROPERTIES : parseProperties(rest, question + 1)) }
  return { scheme: 'kafka', text: print(facts), key: `kafka:${JSON.stringify(facts)}`, ...facts }
}

type Properties = Pick<KafkaAddress, 'keyField' | 'tlsDomain' | 'properties'>
const NO_PROPERTIES: Properties = { keyField: undefined, tlsDomain: undefined, properties: [] }

function parseProperties(rest: string, start: number): Properties {
  let { keyField, tlsDomain } = NO_PROPERTIES
  const properties: [string, string][] = []
  let from = start
  for (const word of rest.slice(start).split('&')) {
    const equals = word.indexOf('=')
    if (equals < 1) throw new AddressError(`expected name=value, found "${word}"`, rest, from)
    const name = word.slice(0, equals)
    const value = unescaped(rest, from + equals + 1, from + word.length)
    if (name === 'key') keyField = value
    else if (name === 'tls_domain') tlsDomain = value
    else if (/^[gt]\../.test(name)) properties.push([name.slice(2), value])
    else
      throw new AddressError(`unknown property "${name}": g.name=, t.name=, key= and tls_domain= are known`, rest, from)
    from += word.length + 1
  }
  return { keyField, tlsDomain, properties }
}

function print({ brokers, topic, keyField, tlsDomain, properties }: Omit<KafkaAddress, keyof Address>): string {
  const words = properties.map(([name, value]) => {
    const shown = SECRET.test(name) ? '***' : escaped(value, SPECIAL.option)
    return `g.${name}=${shown}`
  })
  if (keyField !== undefined) words.push(`key=${escaped(keyField, SPECIAL.option)}`)
  if (tlsDomain !== undefined) words.push(`tls_domain=${escaped(tlsDomain, SPECIAL.option)}`)
  const shownBrokers = brokers.map(broker => printServer(broker, KAFKA_PORT)).join(',')
  return `kafka:${shownBrokers}/${topic}${words.length === 0 ? '' : `?${words.join('&')}`}`
}
