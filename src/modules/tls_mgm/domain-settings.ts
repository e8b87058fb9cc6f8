import { type AddressMatches, addressMatches, type NameMatch, nameMatches } from './matching.ts'

/** PEM text, or the file it stands in. */
export type Pem = { readonly file: string } | { readonly text: string }

/** A TLS domain as it is configured. Texts are empty where they are not given. */
export interface DomainSettings {
  readonly name: string
  readonly role: 'server' | 'client'
  readonly addresses: AddressMatches
  readonly names: readonly NameMatch[]
  readonly method: string
  readonly verifies: boolean
  readonly requires: boolean
  readonly checksName: boolean
  readonly certificate: Pem | null
  readonly privateKey: Pem | null
  readonly caList: Pem | null
  readonly caDir: string
  readonly crlDir: string
  readonly ciphers: string
  readonly dhParams: Pem | null
  readonly ecCurve: string
}

/** Settings given without `[domain]` are for this one, in both roles. */
export const DEFAULT_DOMAIN = 'default'

/** Parameters that are written `[domain]value`. */
export const DOMAIN_PARAMS = [
  'match_ip_address',
  'match_sip_domain',
  'certificate',
  'private_key',
  'ca_list',
  'ca_dir',
  'crl_dir',
  'crl_check_all',
  'verify_cert',
  'require_cert',
  'verify_hostname',
  'tls_method',
  'ciphers_list',
  'dh_params',
  'ec_curve',
] as const
export type DomainParam = (typeof DOMAIN_PARAMS)[number]
type Values = Readonly<Partial<Record<DomainParam, string>>>

/** What the script gives. */
export interface GivenDomains extends Readonly<Record<DomainParam, readonly string[]>> {
  readonly server_domain: readonly string[]
  readonly client_domain: readonly string[]
}

/**
 * The domains that parameters define, in the order of their definition; those named `default` come last. Throws an Error
 * for a value that cannot be used, and for one of a domain that is not defined.
 */
export function domainsOf(given: GivenDomains): readonly DomainSettings[] {
  const values = valuesByDomain(given)
  const defined = [
    ...given.server_domain.map(text => definition('server', text)),
    ...given.client_domain.map(text => definition('client', text)),
  ]
  if (values.has(DEFAULT_DOMAIN))
    for (const role of ['server', 'client'] as const)
      if (!defined.some(one => one.role === role && one.name === DEFAULT_DOMAIN))
        defined.push({ role, name: DEFAULT_DOMAIN, address: '*' })
  for (const name of values.keys())
    if (!defined.some(one => one.name === name))
      throw new Error(`no TLS domain is called "${name}": define it with server_domain or client_domain`)
  return defined.map(one => settingsOf(one, values.get(one.name) ?? {}))
}

interface Definition {
  readonly role: 'server' | 'client'
  readonly name: string
  readonly address: string
}

/** `name`, or `name=IP:PORT` as 2.x writes it. */
function definition(role: Definition['role'], text: string): Definition {
  const [name = '', ...address] = text.split('=')
  if (name.trim() === '') throw new Error(`${role}_domain: expected a name, got ${JSON.stringify(text)}`)
  return { role, name: name.trim(), address: address.length === 0 ? '*' : address.join('=') }
}

function valuesByDomain(given: GivenDomains): ReadonlyMap<string, Values> {
  const values = new Map<string, Partial<Record<DomainParam, string>>>()
  for (const param of DOMAIN_PARAMS)
    for (const text of given[param]) {
      const [, name = DEFAULT_DOMAIN, value = ''] = /^\s*(?:\[([^\]]*)\])?\s*(.*?)\s*$/s.exec(text) ?? []
      const known = values.get(name) ?? {}
      known[param] = value
      values.set(name, known)
    }
  return values
}

function settingsOf({ role, name, address }: Definition, values: Values): DomainSettings {
  const isOn = (param: DomainParam): boolean => {
    const value = values[param] ?? '1'
    if (!/^[01]$/.test(value)) throw new Error(`TLS domain ${name}: ${param} is "${value}", expected 0 or 1`)
    return value === '1'
  }
  const file = (param: DomainParam): Pem | null => {
    const path = values[param]
    return path === undefined || path === '' ? null : { file: path }
  }
  return {
    name,
    role,
    addresses: addressMatches(values.match_ip_address ?? address, name),
    names: nameMatches(values.match_sip_domain ?? '*'),
    method: values.tls_method ?? '',
    verifies: isOn('verify_cert'),
    requires: isOn('require_cert'),
    checksName: isOn('verify_hostname'),
    certificate: file('certificate'),
    privateKey: file('private_key'),
    caList: file('ca_list'),
    caDir: values.ca_dir ?? '',
    crlDir: values.crl_dir ?? '',
    ciphers: values.ciphers_list ?? '',
    dhParams: file('dh_params'),
    ecCurve: values.ec_curve ?? '',
  }
}
