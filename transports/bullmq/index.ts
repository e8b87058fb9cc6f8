import { tlsOptionsOf } from '../../src/events/socket-text.ts'
import { defineTransport, messageFormatOf, type Transport } from '../../src/events/transport.ts'
import { optionalParam, param } from '../../src/util/spec.ts'
import { type BullMqAddress, parseBullMqAddress } from './address.ts'
import { BullMqLink } from './link.ts'

/** What a job can carry: its data is JSON. */
const FORMATS = ['jsonrpc', 'json', 'cloudevents'] as const

/** `bullmq:` — events as jobs for BullMQ workers. */
export default defineTransport(
  {
    module: 'event_bullmq',
    doc: 'Adds events as jobs to a BullMQ queue in Redis: the name of a job is that of the event, its data the payload.',
    grammar: '"bullmq:" [ [ user ] ":" password "@" ] host [ ":" port ] "/" queue [ "?" option *( "&" option ) ]',
    examples: ['bullmq:127.0.0.1/cdrs', 'bullmq::secret@redis.example:6380/cdrs?db=2&prefix=sip&attempts=5'],
    promises: { ordered: true, delivered: 'confirmed', noticesAbsence: true },
    params: {
      connect_timeout: param('int', 2000, 'Longest wait for Redis while connecting.', { unit: 'ms' }),
      keep_done: param('int', 1000, 'Jobs that Redis keeps after a worker has done them.'),
      format: optionalParam('str', 'Payload where a subscription asks for none: `jsonrpc`, `json` or `cloudevents`.'),
    },
  },
  ({ params, clock, tlsDomain }) => {
    const preferred = messageFormatOf('event_bullmq', params.format)
    const transport: Transport<BullMqAddress> = {
      scheme: 'bullmq',
      parse: parseBullMqAddress,
      formats: FORMATS,
      open(address, host) {
        const tls = tlsOptionsOf(address, tlsDomain)
        return host.buffered(
          new BullMqLink(address, {
            clock,
            codec: host.codec('message', preferred ?? 'jsonrpc'),
            connectTimeoutMs: Math.max(1, params.connect_timeout),
            keepDone: Math.max(0, params.keep_done),
            tls,
          }),
        )
      },
    }
    return { transports: [transport] }
  },
)
