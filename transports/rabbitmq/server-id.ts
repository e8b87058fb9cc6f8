import { type Server, serversBetween } from '../../src/events/socket-text.ts'
import type { RabbitMqAddress } from './address.ts'

/** A broker that scripts publish to by name (`server_id`). */
export interface PublishTarget {
  readonly id: string
  /** Broker, login and exchange; the routing key is given with each message. */
  readonly address: RabbitMqAddress
  readonly server: Server
  /** How often more it is tried to connect. */
  readonly retries: number
  readonly heartbeatS: number
}

const FIELDS = 'uri|frames|retries|exchange|heartbeat|immediate|mandatory|non-persistent|tls_domain'
const FORM = `expected [id] name=value; … with the names ${FIELDS.replaceAll('|', ', ')}`

/**
 * Reads `[id] uri=amqp://user:password@host:port/vhost; exchange=name; …`. Names stand in any case, a URI may have
 * semicolons of its own. `frames` and `immediate`, which brokers refuse today, have no effect. Throws an Error that does
 * not tell the password.
 */
export function parseServerId(text: string): PublishTarget {
  const [, id = '', rest = ''] = /^\s*\[\s*([^\]\s]+)\s*\](.*)$/s.exec(text) ?? []
  if (id === '') throw new Error(`server_id: ${FORM}`)
  const fields = new Map<string, string>()
  for (const part of rest.split(new RegExp(`;\\s*(?=(?:${FIELDS})\\s*(?:=|;|$))|;\\s*$`, 'i'))) {
    const [, name = '', value = ''] = /^\s*([\w-]+)\s*(?:=\s*(.*?))?\s*$/s.exec(part) ?? []
    if (part.trim() === '') continue
    if (!new RegExp(`^(?:${FIELDS})$`, 'i').test(name))
      throw new Error(`server_id [${id}]: "${name}" is not known; ${FORM}`)
    fields.set(name.toLowerCase(), value)
  }
  return { id, ...targetOf(id, fields) }
}

function targetOf(id: string, fields: ReadonlyMap<string, string>): Omit<PublishTarget, 'id'> {
  const text = fields.get('uri')
  if (text === undefined) throw new Error(`server_id [${id}]: uri is missing`)
  const { isTls, user, password, server, vhost } = parseUri(id, text)
  const tlsDomain = fields.get('tls_domain')
  if (isTls !== (tlsDomain !== undefined)) throw new Error(`server_id [${id}]: amqps:// and tls_domain belong together`)
  const exchange = fields.get('exchange') ?? ''
  return {
    server,
    retries: number(id, fields, 'retries'),
    heartbeatS: number(id, fields, 'heartbeat'),
    address: {
      scheme: 'rabbitmq',
      text: `[${id}]`,
      key: `rabbitmq_publish:${id}`,
      user,
      password,
      servers: [server],
      vhost,
      exchange,
      exchangeType: undefined,
      routingKey: '',
      tlsDomain,
      persistent: !fields.has('non-persistent'),
      mandatory: exchange === '' || fields.has('mandatory'),
    },
  }
}

/** `amqp[s]://[user[:password]@]host[:port][/vhost]`, everything in it with `%XX` for bytes. */
function parseUri(id: string, text: string) {
  const parts = /^(amqps?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?;\s]*)(?:\/([^?\s]*))?$/i.exec(text)
  if (parts === null) throw new Error(`server_id [${id}]: uri: expected amqp://[user[:password]@]host[:port][/vhost]`)
  const [, scheme = '', user, password, place = '', vhost] = parts
  const isTls = scheme.toLowerCase() === 'amqps'
  const port = isTls ? 5671 : 5672
  const [server = { host: 'localhost', port }] = place === '' ? [] : serversBetween(place, 0, place.length, port)
  const decoded = (word: string | undefined, fallback: string): string =>
    word === undefined || word === '' ? fallback : decodeURIComponent(word)
  return {
    isTls,
    user: decoded(user, 'guest'),
    password: decoded(password, 'guest'),
    server,
    vhost: decoded(vhost, '/'),
  }
}

function number(id: string, fields: ReadonlyMap<string, string>, name: string): number {
  const text = fields.get(name) ?? '0'
  if (!/^\d{1,5}$/.test(text)) throw new Error(`server_id [${id}]: ${name}: expected a number, got "${text}"`)
  return Number(text)
}
