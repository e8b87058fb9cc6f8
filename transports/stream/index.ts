import { defineTransport } from '../../src/events/transport.ts'
import { optionalParam, param } from '../../src/util/spec.ts'
import { endsLinesOf, streamTransport } from './set-up.ts'

/** `tcp:` — events as JSON-RPC messages over a TCP connection that stays open. */
export default defineTransport(
  {
    module: 'event_stream',
    doc: 'Sends events as JSON-RPC notifications, or as requests that must be answered, over one TCP connection a peer.',
    grammar: '"tcp:" host ":" port [ "/" method ]',
    examples: ['tcp:127.0.0.1:8080', 'tcp:127.0.0.1:8080/handle_cmd', 'tcp:[::1]:8080/on_event'],
    promises: { ordered: true, delivered: 'accepted', noticesAbsence: true },
    params: {
      reliable_mode: param('int', 0, 'Every message is a request: delivered when it is answered without an error.', {
        formerly: ['sync_mode'],
      }),
      timeout: param('int', 1000, 'Longest wait for a message to be sent and, in reliable mode, answered.', {
        unit: 'ms',
      }),
      event_param: optionalParam('str', 'Key under which the name of the event is added, as the first parameter.'),
      framing: param('str', 'none', 'What ends a message: `none`, or `newline` for a line feed.'),
    },
  },
  ({ params, clock }) => ({
    transports: [
      streamTransport('tcp', clock, {
        isReliable: params.reliable_mode !== 0,
        timeoutMs: Math.max(1, params.timeout),
        eventParam: params.event_param,
        endsLines: endsLinesOf('event_stream', params.framing),
        isLegacy: false,
      }),
    ],
  }),
)
