import { AddressError, defineTransport, messageFormatOf, type Transport } from '../../src/events/transport.ts'
import { arg, optional, optionalParam, param, repeatedParam, type Value } from '../../src/util/spec.ts'
import { parseRabbitMqAddress, type RabbitMqAddress } from './address.ts'
import { ConnectionPool } from './connections.ts'
import { RabbitMqLink } from './link.ts'
import { Publisher } from './publisher.ts'
import { parseServerId } from './server-id.ts'

/** Longest wait for a confirm of rabbitmq_publish() where `timeout` says nothing. */
const CONFIRM_MS = 5000

/** `rabbitmq:` — events as messages of an AMQP 0-9-1 broker, delivered when the broker has confirmed them. */
export default defineTransport(
  {
    module: 'event_rabbitmq',
    // Where rabbitmq_publish() was up to 3.5.
    aliases: ['rabbitmq'],
    doc: 'Publishes events to a RabbitMQ broker (AMQP 0-9-1) with publisher confirms. Of several brokers one is in use; when it is lost the next is tried. A message that the broker returns because no queue takes it (`mandatory`, and always with the default exchange) is a failure. An exchange must be there, unless `exchange_type` (direct, fanout, topic or headers) asks for it to be declared, durable; for one of type headers the messages have headers: `type`, `node`, `boot`, `sequence`, and the parameters of the event as `param.NAME`. A broker that blocks its publishers (memory, disk) keeps its socket: the events wait.',
    grammar:
      '"rabbitmq:" [ user [ ":" password ] "@" ] host [ ":" port ] { "," host [ ":" port ] } "/" [ param { ";" param } "?" ] routing-key\nparam = exchange=NAME | exchange_type=TYPE | vhost=NAME | tls_domain=NAME | persistent | mandatory',
    examples: [
      'rabbitmq:127.0.0.1/opensips',
      'rabbitmq:guest:guest@127.0.0.1:5672/pike',
      'rabbitmq:u:p%40ss@mq.example/exchange=ev;persistent?oss.pike',
      'rabbitmq:mq.example/vhost=%2Fvoip;exchange=cdr;mandatory?done',
      'rabbitmq:127.0.0.1/myexchange?pike',
      'rabbitmq:u:p@mq1.example,mq2.example:5673/exchange=events;exchange_type=topic;persistent?cdr.ended',
    ],
    promises: { ordered: true, delivered: 'confirmed', noticesAbsence: true },
    params: {
      heartbeat: param('int', 0, 'Heartbeat asked for; 0 or a number over 65535 for none.', { unit: 's' }),
      connect_timeout: param('int', 500, 'Longest silence of the broker while connecting.', { unit: 'ms' }),
      timeout: param('int', 0, 'Longest wait for one answer of the broker; 0: as long as the event may take.', {
        unit: 'ms',
      }),
      use_tls: param('int', 0, 'Allow `tls_domain=` in sockets.'),
      format: optionalParam(
        'str',
        'Payload where a subscription asks for none: `jsonrpc`, `json`, `cloudevents` or `text`.',
      ),
      sync_mode: param('int', 0, 'Every event is confirmed and none blocks the raise.', { ignored: true }),
      server_id: repeatedParam(
        'str',
        'A broker for rabbitmq_publish(): `[id] uri=amqp://user:password@host:port/vhost; exchange=name; …`, with retries, heartbeat, mandatory, non-persistent and tls_domain.',
      ),
    },
    functions: {
      rabbitmq_publish: {
        args: [
          arg('server_id', 'str', 'Broker, as a `server_id` names it.'),
          arg('routing_key', 'str', 'Routing key; with the default exchange, the queue.'),
          arg('body', 'str', 'The message.'),
          optional(arg('content_type', 'str', 'Its type.')),
          optional(arg('names', 'list', 'Variable with the names of headers.')),
          optional(arg('values', 'list', 'Variable with their values.')),
        ],
        returns: '1 the broker has confirmed it; −1 it has not, or no queue takes it',
        doc: 'Publishes a message that is no event.',
      },
    },
  },
  ({ params, clock, log, tlsDomain }) => {
    const timeoutMs = params.timeout > 0 ? params.timeout : CONFIRM_MS
    const settings = { connectTimeoutMs: Math.max(1, params.connect_timeout), tlsDomain }
    const targets = params.server_id.map(parseServerId)
    const publishers = new Map(
      targets.map(target => [target.id, new Publisher(target, { clock, log, timeoutMs, settings })]),
    )
    const preferred = messageFormatOf('event_rabbitmq', params.format)
    const pool = new ConnectionPool(clock, {
      heartbeatS: params.heartbeat >= 1 && params.heartbeat <= 65535 ? params.heartbeat : 0,
      connectTimeoutMs: Math.max(1, params.connect_timeout),
      tlsDomain,
    })
    const transport: Transport<RabbitMqAddress> = {
      scheme: 'rabbitmq',
      parse: rest => parseRabbitMqAddress(rest, params.use_tls !== 0),
      open(address, host) {
        const domain = address.tlsDomain
        if (domain !== undefined && tlsDomain(domain) === undefined)
          throw new AddressError(`no TLS client domain "${domain}" is defined`, address.text, 0)
        const codec = host.codec('message', preferred)
        const timeoutMs = Math.max(0, params.timeout)
        return host.buffered(new RabbitMqLink(address, pool, { clock, codec, timeoutMs }))
      },
    }
    return {
      transports: [transport],
      functions: {
        rabbitmq_publish: ({ server_id: known }) => {
          if (known !== undefined && !publishers.has(known)) throw new Error(`there is no server_id [${known}]`)
          return ({ server_id, routing_key: routingKey, body, content_type: contentType, names, values }) => {
            const headers = headersOf(names, values)
            const publisher = publishers.get(server_id)
            if (publisher !== undefined) return publisher.publish({ routingKey, body, contentType, headers })
            log.error('there is no such broker', { server_id })
            return false
          }
        },
      },
      stop: async () => void (await Promise.all([...publishers.values()].map(publisher => publisher.close()))),
    }
  },
)

/** Names and values pair up by position. */
function headersOf(names: readonly Value[] = [], values: readonly Value[] = []): Readonly<Record<string, Value>> {
  return Object.fromEntries(names.map((name, i) => [String(name), values[i] ?? null]))
}
