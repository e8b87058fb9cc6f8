import { tlsOptionsOf } from '../../src/events/socket-text.ts'
import { defineTransport, messageFormatOf, type Transport } from '../../src/events/transport.ts'
import { arg, optional, optionalParam, param, repeatedParam } from '../../src/util/spec.ts'
import { type KafkaAddress, parseKafkaAddress } from './address.ts'
import { KafkaLink } from './link.ts'
import { settingsOf } from './properties.ts'
import { Publisher } from './publisher.ts'
import { cureRequestQueue } from './request-queue.ts'

/** `kafka:` — events as records of an Apache Kafka topic. */
export default defineTransport(
  {
    module: 'event_kafka',
    doc: 'Writes events to a topic of Apache Kafka, batched, with an idempotent producer.',
    grammar:
      '"kafka:" host [ ":" port ] *( "," host [ ":" port ] ) "/" topic [ "?" property *( "&" property ) ]; property = ( "g." / "t." ) name "=" value / "key=" field / "tls_domain=" name',
    examples: [
      'kafka:127.0.0.1:9092/topic1',
      'kafka:127.0.0.1:9092/topic1?t.message.timeout.ms=1000&key=callid',
      'kafka:a:9092,b:9092/cdr?g.client.id=proxy&t.compression.type=gzip',
      'kafka:a:9093/cdr?g.security.protocol=SASL_SSL&g.sasl.mechanism=SCRAM-SHA-256&g.sasl.username=proxy&g.sasl.password=secret',
    ],
    promises: { ordered: true, delivered: 'confirmed', noticesAbsence: true },
    params: {
      connect_timeout: param('int', 3000, 'Longest wait for a broker while connecting.', { unit: 'ms' }),
      format: optionalParam(
        'str',
        'Payload where a subscription asks for none: `jsonrpc`, `json`, `cloudevents` or `text`.',
      ),
      broker_id: repeatedParam('str', 'A topic for kafka_publish(): `[id]host:port/topic?properties`, as in sockets.'),
    },
    functions: {
      kafka_publish: {
        args: [
          arg('broker_id', 'str', 'Topic, as a `broker_id` names it.'),
          arg('message', 'str', 'The record.'),
          optional(arg('key', 'str', 'Its key.')),
          optional(
            arg(
              'report_route',
              'route',
              'Route to run when its fate is known, with `$avp(kafka_id)`, `$avp(kafka_status)` (0 or −1), `$avp(kafka_key)` and `$avp(kafka_msg)`.',
            ),
          ),
        ],
        returns: '1 it is on its way; −1 too many are',
        doc: 'Writes a record that is no event.',
      },
    },
  },
  ({ params, clock, log, tlsDomain }) => {
    cureRequestQueue()
    const preferred = messageFormatOf('event_kafka', params.format)
    const connectMs = Math.max(1, params.connect_timeout)
    const publishers = new Map(
      params.broker_id.map(text => {
        const { id, address } = parseBrokerId(text)
        const { settings, ignored } = settingsOf(address, connectMs)
        for (const [name, why] of ignored)
          log.warn('a property of a broker_id is ignored', { broker_id: id, name, why })
        const tls = address.tlsDomain === undefined ? undefined : tlsDomain(address.tlsDomain)
        if (address.tlsDomain !== undefined && tls === undefined)
          throw new Error(`broker_id [${id}]: no TLS client domain "${address.tlsDomain}" is defined`)
        return [id, new Publisher({ address, settings, tls, log, clock })] as const
      }),
    )
    const transport: Transport<KafkaAddress> = {
      scheme: 'kafka',
      parse: parseKafkaAddress,
      open(address, host) {
        const tls = tlsOptionsOf(address, tlsDomain)
        const { settings, ignored } = settingsOf(address, connectMs)
        for (const [name, why] of ignored)
          log.warn('a property of the socket is ignored', { socket: address.text, name, why })
        const keyField = address.keyField ?? host.key
        const codec = host.codec('message', preferred)
        return host.buffered(new KafkaLink(address, { clock, log, codec, settings, keyField, tls }))
      },
    }
    return {
      transports: [transport],
      functions: {
        kafka_publish: ({ broker_id: known }) => {
          if (known !== undefined && !publishers.has(known)) throw new Error(`there is no broker_id [${known}]`)
          return ({ broker_id, message, key, report_route: report }) => {
            const told = (isWritten: boolean): void =>
              report?.({
                kafka_id: broker_id,
                kafka_status: isWritten ? 0 : -1,
                kafka_key: key ?? null,
                kafka_msg: message,
              })
            const publisher = publishers.get(broker_id)
            if (publisher !== undefined) return publisher.publish(message, key, told)
            log.error('there is no such topic', { broker_id })
            return false
          }
        },
      },
      stop: async () => void (await Promise.all([...publishers.values()].map(publisher => publisher.close()))),
    }
  },
)

/** `[id]brokers/topic?properties`. Throws an Error. */
function parseBrokerId(text: string): { readonly id: string; readonly address: KafkaAddress } {
  const [, id = '', rest = ''] = /^\s*\[\s*([^\]\s]+)\s*\]\s*(.*?)\s*$/s.exec(text) ?? []
  if (id === '') throw new Error(`broker_id "${text}": expected [id]host:port/topic`)
  return { id, address: parseKafkaAddress(rest) }
}
