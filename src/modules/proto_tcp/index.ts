import { defineModule, optionalParam, param } from '../../module/define.ts'

const NEVER_WAITS = 'Writing and connecting never block here.'
const NO_TRACE = 'Tracing to a capture node is not available.'

/** SIP over TCP. Sockets of this protocol work without it: it is there for its parameters. */
export default defineModule(
  {
    name: 'proto_tcp',
    doc: 'SIP over TCP. `socket=tcp:…` works without loading it.',
    params: {
      tcp_crlf_pingpong: param('int', 1, 'Answer double CRLFs with one (RFC 5626 §4.4.1).'),
      tcp_port: param('int', 5060, 'Port of sockets without one: write it in `socket=`.', { ignored: true }),
      tcp_crlf_drop: param('int', 0, 'CRLFs between messages are always skipped.', { ignored: true }),
      tcp_max_msg_chunks: param('int', 4, '`tcp_max_msg_time` is the limit for messages that come in pieces.', {
        ignored: true,
      }),
      tcp_send_timeout: param('int', 100, NEVER_WAITS, { unit: 'ms', ignored: true }),
      tcp_async: param('int', 1, NEVER_WAITS, { ignored: true }),
      tcp_async_max_postponed_chunks: param('int', 32, NEVER_WAITS, { ignored: true }),
      tcp_async_local_connect_timeout: param('int', 100, NEVER_WAITS, { unit: 'ms', ignored: true }),
      tcp_async_local_write_timeout: param('int', 10, NEVER_WAITS, { unit: 'ms', ignored: true }),
      tcp_parallel_handling: param('int', 0, 'There is one event loop.', { ignored: true }),
      trace_destination: optionalParam('str', NO_TRACE, { ignored: true }),
      trace_on: param('int', 0, NO_TRACE, { ignored: true }),
      trace_filter_route: optionalParam('str', NO_TRACE, { ignored: true }),
    },
  },
  ({ host, params, given, log }) => ({
    start: () => {
      host.network.protocols.configure('tcp', { answersPings: params.tcp_crlf_pingpong !== 0 })
      if (given.has('tcp_port')) log.warn('tcp_port has no effect: write the port in "socket=tcp:HOST:PORT"')
    },
  }),
)
