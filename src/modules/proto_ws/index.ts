import { defineModule, optionalParam, param } from '../../module/define.ts'

const NEVER_WAITS = 'Writing and connecting never block here.'
const NO_TRACE = 'Tracing to a capture node is not available.'

/** SIP over WebSocket (RFC 7118). Sockets of this protocol work without it: it is there for its parameters. */
export default defineModule(
  {
    name: 'proto_ws',
    doc: 'SIP over WebSocket (RFC 7118). `socket=ws:…` works without loading it.',
    params: {
      ws_resource: param('str', '/', 'Path of the request that opens a WebSocket.'),
      ws_handshake_timeout: param('int', 5000, 'Limit for the WebSocket handshake.', { unit: 'ms' }),
      require_origin: param('str', 'yes', 'Refuse clients that send no Origin header: `yes` or `no`.'),
      ws_port: param('int', 80, 'Port of sockets without one: write it in `socket=`.', { ignored: true }),
      ws_max_msg_chunks: param('int', 4, '`tcp_max_msg_time` is the limit for messages that come in pieces.', {
        ignored: true,
      }),
      ws_send_timeout: param('int', 1000, NEVER_WAITS, { unit: 'ms', ignored: true }),
      trace_destination: optionalParam('str', NO_TRACE, { ignored: true }),
      trace_on: param('int', 0, NO_TRACE, { ignored: true }),
      trace_filter_route: optionalParam('str', NO_TRACE, { ignored: true }),
    },
  },
  ({ host, params, given, log }) => {
    const handshakeMs = params.ws_handshake_timeout
    if (handshakeMs < 1) throw new Error(`ws_handshake_timeout: expected at least 1, got ${handshakeMs}`)
    if (!params.ws_resource.startsWith('/'))
      throw new Error(`ws_resource: expected a path that begins with "/", got ${JSON.stringify(params.ws_resource)}`)
    if (!/^(yes|no|1|0)$/i.test(params.require_origin))
      throw new Error(`require_origin: expected yes or no, got ${JSON.stringify(params.require_origin)}`)
    return {
      start: () => {
        host.network.protocols.configure('ws', {
          handshakeMs,
          resource: params.ws_resource,
          requiresOrigin: /^(yes|1)$/i.test(params.require_origin),
        })
        if (given.has('ws_port')) log.warn('ws_port has no effect: write the port in "socket=ws:HOST:PORT"')
      },
    }
  },
)
