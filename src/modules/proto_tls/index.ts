import { defineModule, optionalParam, param } from '../../module/define.ts'

const NEVER_WAITS = 'Writing and connecting never block here.'
const NO_TRACE = 'Tracing to a capture node is not available.'

/** SIP over TLS, with the domains that tls_mgm defines. */
export default defineModule(
  {
    name: 'proto_tls',
    doc: 'SIP over TLS. The certificates and rules are those of the tls_mgm domains.',
    depends: ['tls_mgm'],
    params: {
      tls_handshake_timeout: param('int', 5000, 'Limit for the TLS handshake.', { unit: 'ms' }),
      tls_crlf_pingpong: param('int', 1, 'Answer double CRLFs with one (RFC 5626 §4.4.1).'),
      cert_check_on_conn_reusage: param(
        'int',
        0,
        'A connection is always used again only for the TLS domain it was opened with, and for names in its certificate.',
        { ignored: true },
      ),
      tls_port: param('int', 5061, 'Port of sockets without one: write it in `socket=`.', { ignored: true }),
      tls_crlf_drop: param('int', 0, 'CRLFs between messages are always skipped.', { ignored: true }),
      tls_max_msg_chunks: param('int', 4, '`tcp_max_msg_time` is the limit for messages that come in pieces.', {
        ignored: true,
      }),
      tls_send_timeout: param('int', 100, NEVER_WAITS, { unit: 'ms', ignored: true }),
      tls_async: param('int', 1, NEVER_WAITS, { ignored: true }),
      tls_async_max_postponed_chunks: param('int', 32, NEVER_WAITS, { ignored: true }),
      tls_async_local_connect_timeout: param('int', 100, NEVER_WAITS, { unit: 'ms', ignored: true }),
      tls_async_handshake_timeout: param('int', 10, NEVER_WAITS, { unit: 'ms', ignored: true }),
      trace_destination: optionalParam('str', NO_TRACE, { ignored: true }),
      trace_on: param('int', 0, NO_TRACE, { ignored: true }),
      trace_filter_route: optionalParam('str', NO_TRACE, { ignored: true }),
    },
  },
  ({ host, params, given, log }) => ({
    start: () => {
      if (params.tls_handshake_timeout < 1)
        throw new Error(`tls_handshake_timeout: expected at least 1, got ${params.tls_handshake_timeout}`)
      host.network.protocols.configure('tls', {
        handshakeMs: params.tls_handshake_timeout,
        answersPings: params.tls_crlf_pingpong !== 0,
      })
      if (given.has('tls_port')) log.warn('tls_port has no effect: write the port in "socket=tls:HOST:PORT"')
    },
  }),
)
