import { defineTransport } from '../../src/events/transport.ts'
import { optionalParam, param } from '../../src/util/spec.ts'
import { endsLinesOf, streamTransport } from './set-up.ts'

/** `jsonrpc:` — what OpenSIPS 2.4 had before `tcp:`, with its messages. */
export default defineTransport(
  {
    module: 'event_jsonrpc',
    doc: 'Sends events as event_stream does, in the messages of 2.x: `id` is null in notifications, `params` is always there.',
    grammar: '"jsonrpc:" host ":" port [ "/" method ]',
    examples: ['jsonrpc:127.0.0.1:8080', 'jsonrpc:127.0.0.1:8080/handle_cmd'],
    promises: { ordered: true, delivered: 'accepted', noticesAbsence: true },
    params: {
      sync_mode: param('int', 0, 'Every message is a request: delivered when it is answered without an error.'),
      timeout: param('int', 1000, 'Longest wait for a message to be sent and, with sync_mode, answered.', {
        unit: 'ms',
      }),
      event_param: optionalParam('str', 'Key under which the name of the event is added, as the first parameter.'),
      framing: param('str', 'none', 'What ends a message: `none`, or `newline` for a line feed.'),
    },
  },
  ({ params, clock }) => ({
    transports: [
      streamTransport('jsonrpc', clock, {
        isReliable: params.sync_mode !== 0,
        timeoutMs: Math.max(1, params.timeout),
        eventParam: params.event_param,
        endsLines: endsLinesOf('event_jsonrpc', params.framing),
        isLegacy: true,
      }),
    ],
  }),
)
