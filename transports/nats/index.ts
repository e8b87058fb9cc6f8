import { tlsOptionsOf } from '../../src/events/socket-text.ts'
import { defineTransport, messageFormatOf, type Transport } from '../../src/events/transport.ts'
import { optionalParam, param } from '../../src/util/spec.ts'
import { type NatsAddress, parseNatsAddress } from './address.ts'
import { NatsLink } from './link.ts'

/** `nats:` — events as messages of a NATS server, plain or stored by JetStream. */
export default defineTransport(
  {
    module: 'event_nats',
    doc: 'Publishes events to a NATS server: core NATS, or JetStream with de-duplication by the id of the event.',
    grammar:
      '"nats:" [ ( token / user ":" password ) "@" ] host [ ":" port ] *( "," host [ ":" port ] ) "/" subject [ "?" option *( "&" option ) ]',
    examples: [
      'nats:127.0.0.1/sip.events',
      'nats:127.0.0.1:4222,10.0.0.2:4222/sip.{event}?jetstream',
      'nats:proxy:secret@nats.example/cdr?stream=CDRS&tls_domain=broker',
    ],
    promises: { ordered: true, delivered: 'confirmed', noticesAbsence: true },
    params: {
      connect_timeout: param('int', 2000, 'Longest wait for the server while connecting.', { unit: 'ms' }),
      ping_interval: param('int', 10_000, 'A silent server is asked whether it is still there this often.', {
        unit: 'ms',
      }),
      format: optionalParam(
        'str',
        'Payload where a subscription asks for none: `jsonrpc`, `json`, `cloudevents` or `text`.',
      ),
    },
  },
  ({ params, clock, tlsDomain }) => {
    const preferred = messageFormatOf('event_nats', params.format)
    const transport: Transport<NatsAddress> = {
      scheme: 'nats',
      parse: parseNatsAddress,
      open(address, host) {
        const tls = tlsOptionsOf(address, tlsDomain)
        return host.buffered(
          new NatsLink(address, {
            clock,
            codec: host.codec('message', preferred),
            connectTimeoutMs: Math.max(1, params.connect_timeout),
            pingIntervalMs: Math.max(1, params.ping_interval),
            tls,
          }),
        )
      },
    }
    return { transports: [transport] }
  },
)
