import { hostPort } from '../../sip/net/address.ts'
import type { DomainSettings, Pem } from './domain-settings.ts'

/** A domain as `tls_list` shows it. */
export function listed(settings: DomainSettings): Readonly<Record<string, unknown>> {
  const { name, role, addresses, names, verifies, requires, checksName, method } = settings
  const isServer = role === 'server'
  return {
    name,
    Type: isServer ? 'TLS_DOMAIN_SRV' : 'TLS_DOMAIN_CLI',
    'IP Address filters':
      addresses === null ? ['*'] : addresses.map(({ host, port }) => (port === 0 ? host : hostPort(host, port))),
    'SIP domain filters': names.map(({ text }) => text),
    METHOD: method === '' ? 'SSLv23' : method,
    VERIFY_CERT: yesNo(verifies),
    ...(isServer ? { REQ_CLI_CERT: yesNo(requires) } : { VERIFY_HOSTNAME: yesNo(checksName) }),
    CERT_FILE: fileOf(settings.certificate),
    PKEY_FILE: fileOf(settings.privateKey),
    CA_FILE: fileOf(settings.caList),
    CA_DIR: settings.caDir,
    CRL_DIR: settings.crlDir,
    CIPHER_LIST: settings.ciphers,
    DH_PARAMS: fileOf(settings.dhParams),
    EC_CURVE: settings.ecCurve,
  }
}

const yesNo = (is: boolean): string => (is ? 'yes' : 'no')

/** Where PEM text stands. What stands in a database is not shown: it may be a key. */
function fileOf(pem: Pem | null): string {
  if (pem === null) return ''
  return 'file' in pem ? pem.file : '(database)'
}
