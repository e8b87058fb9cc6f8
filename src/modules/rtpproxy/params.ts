import { optionalParam, param, repeatedParam } from '../../module/define.ts'

const generated = (dflt: number) => param('int', dflt, 'Accepted; descriptions are never made here.', { ignored: true })

/** Parameters of the module. */
export const rtpproxyParams = {
  rtpproxy_sock: repeatedParam(
    'str',
    'RTP proxies of a set: `[N == ]address[=weight] …`, addresses as udp:host:port, tcp:host:port or unix:/path.',
  ),
  rtpproxy_disable_tout: param('int', 60, 'How long one that does not answer is left alone.', { unit: 's' }),
  rtpproxy_timeout: param('str', '1', 'How long an answer is waited for; decimals are possible.', {
    unit: 's',
    formerly: ['rtpproxy_tout'],
  }),
  rtpproxy_retr: param('int', 5, 'How often a command without answer is repeated.'),
  rtpproxy_autobridge: param(
    'int',
    0,
    '1: RTP proxies choose the interface of each side by the address that the message goes on to, where no flag i or e names it.',
  ),
  default_set: param('int', 0, 'The set of functions and sockets that name none.'),
  nortpproxy_str: param(
    'str',
    'a=nortpproxy:yes\r\n',
    'Line that marks a description an RTP proxy is in; empty for none.',
  ),
  db_url: optionalParam('str', 'Database with further RTP proxies.'),
  db_table: param('str', 'rtpproxy_sockets', 'Its table.'),
  rtpp_sock_col: param('str', 'rtpproxy_sock', 'Column of the addresses.'),
  set_id_col: param('str', 'set_id', 'Column of the set.'),
  rtpp_notify_socket: optionalParam(
    'str',
    'Address to listen on for what RTP proxies report, tcp:host:port or unix:/path.',
  ),
  generated_sdp_port_min: generated(35_000),
  generated_sdp_port_max: generated(65_000),
  generated_sdp_media_ip: param('str', '127.0.0.1', 'Accepted; descriptions are never made here.', { ignored: true }),
} as const
