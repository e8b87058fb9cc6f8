import { X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createSecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import type { Log } from '../../log/log.ts'
import type { TlsDomain } from '../../sip/net/tls-layer.ts'
import type { DomainSettings, Pem } from './domain-settings.ts'

/** A domain that is loaded: its settings and what TLS is spoken with. */
export interface LoadedDomain extends TlsDomain {
  readonly settings: DomainSettings
}

interface LoadParts {
  /** Where relative paths start. */
  readonly directory: string
  readonly nowMs: number
  readonly log: Log
}

/** Reads the files of a domain. Rejects with an Error that names the domain and what cannot be used. */
export async function loadDomain(settings: DomainSettings, parts: LoadParts): Promise<LoadedDomain> {
  const { name, role, verifies, requires, checksName } = settings
  try {
    const options = await optionsOf(settings, parts.directory)
    if (role === 'server' && (options.cert === undefined || options.key === undefined))
      throw new Error('a server domain needs a certificate and a private_key')
    warnOfExpiry(settings, options, parts)
    return { name, settings, options, context: createSecureContext(options), verifies, requires, checksName }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`TLS ${role} domain ${name}: ${why}`, { cause: error })
  }
}

async function optionsOf(settings: DomainSettings, directory: string): Promise<SecureContextOptions> {
  const read = (pem: Pem | null) => readPem(pem, directory)
  const ca = [
    ...(await read(settings.caList).then(text => (text === undefined ? [] : [text]))),
    ...(await filesIn(settings.caDir, directory)),
  ]
  const crl = await filesIn(settings.crlDir, directory)
  const versions = versionsOf(settings.method)
  const options: Record<string, unknown> = {
    cert: await read(settings.certificate),
    key: await read(settings.privateKey),
    // Servers are verified by the well-known authorities where none are given; nobody's clients are.
    ca: ca.length > 0 ? ca : settings.role === 'server' ? [] : undefined,
    crl: crl.length > 0 ? crl : undefined,
    ciphers: settings.ciphers === '' ? weakCiphersFor(versions) : settings.ciphers,
    dhparam: await read(settings.dhParams),
    ecdhCurve: settings.ecCurve === '' ? undefined : settings.ecCurve,
    ...versions,
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

async function readPem(pem: Pem | null, directory: string): Promise<string | undefined> {
  if (pem === null) return undefined
  return 'text' in pem ? pem.text : readFile(resolve(directory, pem.file), 'utf8')
}

async function filesIn(folder: string, directory: string): Promise<readonly string[]> {
  if (folder === '') return []
  const path = resolve(directory, folder)
  const entries = await readdir(path, { withFileTypes: true })
  const files = entries.filter(entry => !entry.isDirectory()).map(entry => entry.name)
  const texts = await Promise.all(files.sort().map(file => readFile(join(path, file), 'utf8')))
  return texts.filter(text => text.includes('-----BEGIN'))
}

/** Names of `tls_method` → versions of TLS, oldest first. */
const VERSIONS: Readonly<Record<string, SecureVersion>> = {
  TLSv1: 'TLSv1',
  TLSv1_1: 'TLSv1.1',
  TLSv1_2: 'TLSv1.2',
  TLSv1_3: 'TLSv1.3',
}

interface Versions {
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
}

function versionsOf(method: string): Versions {
  if (method === '' || /^(SSLv23|any)$/i.test(method)) return {}
  const [oldest = '', newest = oldest] = method.split('-').map(part => part.trim())
  const version = (name: string): SecureVersion => {
    const found = Object.hasOwn(VERSIONS, name) ? VERSIONS[name] : undefined
    if (found !== undefined) return found
    throw new Error(
      `tls_method is "${method}", expected SSLv23, one of ${Object.keys(VERSIONS).join(', ')}, or a range`,
    )
  }
  return {
    ...(oldest === '' ? { minVersion: 'TLSv1' } : { minVersion: version(oldest) }),
    ...(newest === '' ? {} : { maxVersion: version(newest) }),
  }
}

/** OpenSSL speaks versions before 1.2 only at its lowest level of security. */
function weakCiphersFor({ minVersion }: Versions): string | undefined {
  return minVersion === 'TLSv1' || minVersion === 'TLSv1.1' ? 'DEFAULT@SECLEVEL=0' : undefined
}

function warnOfExpiry({ name, role }: DomainSettings, { cert }: SecureContextOptions, { nowMs, log }: LoadParts): void {
  if (typeof cert !== 'string') return
  const { validTo } = new X509Certificate(cert)
  if (Date.parse(validTo) < nowMs)
    log.warn('the certificate of a TLS domain has expired', { domain: name, role, validTo })
}
