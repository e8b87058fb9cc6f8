import { AddressError, defineTransport, messageFormatOf, type Transport } from '../../src/events/transport.ts'
import { optionalParam, param } from '../../src/util/spec.ts'
import { type KafkaAddress, parseKafkaAddress } from './address.ts'
import { KafkaLink } from './link.ts'
import { settingsOf } from './properties.ts'

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
    ],
    promises: { ordered: true, delivered: 'confirmed', noticesAbsence: true },
    params: {
      connect_timeout: param('int', 3000, 'Longest wait for a broker while connecting.', { unit: 'ms' }),
      format: optionalParam(
        'str',
        'Payload where a subscription asks for none: `jsonrpc`, `json`, `cloudevents` or `text`.',
      ),
    },
  },
  ({ params, clock, log, tlsDomain }) => {
    const preferred = messageFormatOf('event_kafka', params.format)
    const transport: Transport<KafkaAddress> = {
      scheme: 'kafka',
      parse: parseKafkaAddress,
      open(address, host) {
        const domain = address.tlsDomain
        const tls = domain === undefined ? undefined : tlsDomain(domain)
        if (domain !== undefined && tls === undefined)
          throw new AddressError(`no TLS client domain "${domain}" is defined`, address.text, 0)
        const { settings, ignored } = settingsOf(address, Math.max(1, params.connect_timeout))
        for (const [name, why] of ignored)
          log.warn('a property of the socket is ignored', { socket: address.text, name, why })
        const keyField = address.keyField ?? host.key
        const codec = host.codec('message', preferred)
        return host.buffered(new KafkaLink(address, { clock, log, codec, settings, keyField, tls }))
      },
    }
    return { transports: [transport] }
  },
)
