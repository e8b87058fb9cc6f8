import { optionalParam, param, repeatedParam } from '../../module/define.ts'
import { TLS_TABLE } from './table.ts'

const OF_A_DOMAIN = '`[domain]value`; without `[domain]` it is for the domain `default`.'

const columnParams = Object.fromEntries(
  Object.keys(TLS_TABLE.columns)
    .filter(name => name !== 'id')
    .map(name => [`${name}_col`, param('str', name, `Column \`${name}\` of the table.`)]),
)

/** The parameters of tls_mgm. */
export const tlsParams = {
  server_domain: repeatedParam(
    'str',
    'Defines a domain for connections that are accepted: its name, or `name=IP:PORT`.',
  ),
  client_domain: repeatedParam('str', 'Defines a domain for connections that are opened: its name, or `name=IP:PORT`.'),
  match_ip_address: repeatedParam(
    'str',
    `Local (server) or remote (client) addresses, \`IP:PORT\` by comma, or \`*\`. ${OF_A_DOMAIN}`,
  ),
  match_sip_domain: repeatedParam(
    'str',
    `Server names that clients ask for (SNI), or names that are connected to, by comma, with \`*\` and \`?\`; \`none\` matches where there is no name. ${OF_A_DOMAIN}`,
  ),
  certificate: repeatedParam('str', `File with the certificate and its chain. ${OF_A_DOMAIN}`),
  private_key: repeatedParam('str', `File with the private key. ${OF_A_DOMAIN}`),
  ca_list: repeatedParam('str', `File with the certificates of trusted authorities. ${OF_A_DOMAIN}`),
  ca_dir: repeatedParam('str', `Folder with certificates of trusted authorities. ${OF_A_DOMAIN}`),
  crl_dir: repeatedParam('str', `Folder with revocation lists. ${OF_A_DOMAIN}`),
  crl_check_all: repeatedParam(
    'str',
    `The whole chain is checked wherever there is a revocation list. ${OF_A_DOMAIN}`,
    {
      ignored: true,
    },
  ),
  verify_cert: repeatedParam('str', `1: a certificate the peer shows must be valid. Default 1. ${OF_A_DOMAIN}`),
  require_cert: repeatedParam('str', `1: clients must show a certificate. Default 1. ${OF_A_DOMAIN}`),
  verify_hostname: repeatedParam(
    'str',
    `1: the certificate of a server must be for the name that is connected to (RFC 5922). Default 1. ${OF_A_DOMAIN}`,
  ),
  tls_method: repeatedParam(
    'str',
    `\`TLSv1\`, \`TLSv1_1\`, \`TLSv1_2\`, \`TLSv1_3\`, a range \`TLSv1_2-TLSv1_3\`, open at one end if wanted, or \`SSLv23\`: TLS 1.2 and later. ${OF_A_DOMAIN}`,
  ),
  ciphers_list: repeatedParam('str', `Ciphers, as OpenSSL lists them. ${OF_A_DOMAIN}`),
  dh_params: repeatedParam('str', `File with Diffie-Hellman parameters. ${OF_A_DOMAIN}`),
  ec_curve: repeatedParam('str', `Elliptic curves by colon. ${OF_A_DOMAIN}`),
  client_tls_domain_avp: optionalParam('str', 'AVP with the name of the client domain for a request.'),
  client_sip_domain_avp: optionalParam(
    'str',
    'AVP with the name that `match_sip_domain` of client domains is compared with.',
  ),
  db_url: optionalParam('str', 'Database with further domains.'),
  db_table: param('str', 'tls_mgm', 'Table of domains.'),
  ...columnParams,
  tls_library: param('str', 'auto', 'There is one TLS library.', { ignored: true }),
} as const
