import { defineModule, optionalParam, param } from '../../module/define.ts'

const NEVER_WAITS = 'Writing and connecting never block here.'
const NO_TRACE = 'Tracing to a capture node is not available.'

/** SIP over secure WebSocket (RFC 7118), with the TLS domains that tls_mgm defines. */
export default defineModule(
  {
    name: 'proto_wss',
    doc: 'SIP over secure WebSocket (RFC 7118). The certificates and rules are those of the tls_mgm domains.',
    depends: ['tls_mgm'],
    params: {
      wss_resource: param('str', '/', 'Path of the request that opens a WebSocket.'),
      wss_handshake_timeout: param('int', 5000, 'Limit for the WebSocket handshake.', { unit: 'ms' }),
      wss_tls_handshake_timeout: param('int', 5000, 'Limit for the TLS handshake below it.', { unit: 'ms' }),
      require_origin: param('str', 'yes', 'Refuse clients that send no Origin header: `yes` or `no`.'),
      cert_check_on_conn_reusage: param(
        'int',
        0,
        'A connection is always used again only for the TLS domain it was opened with, and for names in its certificate.',
        { ignored: true },
      ),
      wss_port: param('int', 443, 'Port of sockets without one: write it in `socket=`.', { ignored: true }),
      wss_max_msg_chunks: param('int', 4, '`tcp_max_msg_time` is the limit for messages that come in pieces.', {
        ignored: true,
      }),
      wss_send_timeout: param('int', 1000, NEVER_WAITS, { unit: 'ms', ignored: true }),
      trace_destination: optionalParam('str', NO_TRACE, { ignored: true }),
      trace_on: param('int', 0, NO_TRACE, { ignored: true }),
      trace_filter_route: optionalParam('str', NO_TRACE, { ignored: true }),
    },
  },
  ({ host, params, given, log }) => {
    const { wss_handshake_timeout: webSocketMs, wss_tls_handshake_timeout: tlsMs } = params
    if (Math.min(webSocketMs, tlsMs) < 1)
      throw new Error(
        `wss_handshake_timeout, wss_tls_handshake_timeout: expected at least 1, got ${webSocketMs}, ${tlsMs}`,
      )
    if (!params.wss_resource.startsWith('/'))
      throw new Error(`wss_resource: expected a path that begins with "/", got ${JSON.stringify(params.wss_resource)}`)
    if (!/^(yes|no|1|0)$/i.test(params.require_origin))
      throw new Error(`require_origin: expected yes or no, got ${JSON.stringify(params.require_origin)}`)
    return {
      start: () => {
        host.network.protocols.configure('wss', {
          // One limit for both: neither can be used to hold a connection longer than they allow together.
          handshakeMs: webSocketMs + tlsMs,
          resource: params.wss_resource,
          requiresOrigin: /^(yes|1)$/i.test(params.require_origin),
        })
        if (given.has('wss_port')) log.warn('wss_port has no effect: write the port in "socket=wss:HOST:PORT"')
      },
    }
  },
)
