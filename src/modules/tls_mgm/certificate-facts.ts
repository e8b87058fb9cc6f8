import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Value } from '../../util/spec.ts'

/** A part of a distinguished name: the short name in certificates, and how variables end that read it. */
const NAME_PARTS: Readonly<Record<string, string>> = {
  cn: 'CN',
  locality: 'L',
  country: 'C',
  state: 'ST',
  organization: 'O',
  unit: 'OU',
}
/** Kinds of alternative names: how variables end, and how certificates write them. */
const ALTERNATIVES: Readonly<Record<string, string>> = {
  email: 'email',
  hostname: 'DNS',
  uri: 'URI',
  ip: 'IP Address',
}

/** What there is to know of a certificate, by the end of the variable's name. */
export function certificateFacts(): ReadonlyMap<
  string,
  { doc: string; read: (certificate: X509Certificate) => Value }
> {
  const facts = new Map<string, { doc: string; read: (certificate: X509Certificate) => Value }>()
  facts.set('version', { doc: 'Version of the certificate', read: ({ raw }) => versionOf(raw) })
  facts.set('serial', { doc: 'Serial number of the certificate', read: ({ serialNumber }) => decimal(serialNumber) })
  for (const side of ['subject', 'issuer'] as const) {
    facts.set(side, { doc: `The ${side} of the certificate`, read: certificate => oneLine(certificate[side]) })
    for (const [end, part] of Object.entries(NAME_PARTS))
      facts.set(`${side}_${end}`, {
        doc: `${part} of the ${side}`,
        read: certificate => partOf(certificate[side], part),
      })
  }
  for (const [end, kind] of Object.entries(ALTERNATIVES))
    facts.set(`san_${end}`, {
      doc: `First alternative name of kind ${kind}`,
      read: ({ subjectAltName }) => alternativeOf(subjectAltName ?? '', kind),
    })
  return facts
}

/** What there is to know of a connection and of its peer, by the name of the variable without `tls_`. */
export const CONNECTION_FACTS: Readonly<Record<string, { doc: string; read: (tls: TLSSocket) => Value }>> = {
  version: { doc: 'Version of TLS, `TLSv1.3`.', read: tls => tls.getProtocol() },
  description: { doc: 'Cipher and version.', read: tls => `${tls.getCipher().name} ${tls.getCipher().version}` },
  cipher_info: { doc: 'Name of the cipher.', read: tls => tls.getCipher().name },
  cipher_bits: { doc: 'Bits of its key.', read: tls => bitsOf(tls.getCipher().name) },
  peer_verified: { doc: '1: the peer has shown a valid certificate.', read: tls => Number(tls.authorized) },
  peer_revoked: { doc: '1: its certificate was revoked.', read: tls => failedWith(tls, 'CERT_REVOKED') },
  peer_expired: { doc: '1: its certificate has expired.', read: tls => failedWith(tls, 'CERT_HAS_EXPIRED') },
  peer_selfsigned: {
    doc: '1: its certificate signed itself.',
    read: tls => Math.max(failedWith(tls, 'DEPTH_ZERO_SELF_SIGNED_CERT'), failedWith(tls, 'SELF_SIGNED_CERT_IN_CHAIN')),
  },
  peer_notBefore: {
    doc: 'From when its certificate is valid.',
    read: tls => tls.getPeerX509Certificate()?.validFrom ?? null,
  },
  peer_notAfter: {
    doc: 'Until when its certificate is valid.',
    read: tls => tls.getPeerX509Certificate()?.validTo ?? null,
  },
}

function failedWith(tls: TLSSocket, code: string): number {
  return Number(String(tls.authorizationError) === code)
}

function bitsOf(cipher: string): number {
  if (/CHACHA20|256/.test(cipher)) return 256
  return /3DES|DES-CBC3/.test(cipher) ? 168 : 128
}

/** Lines `C=…` as `/C=…/CN=…`. */
function oneLine(name: string): Value {
  return name === '' ? null : `/${name.split('\n').join('/')}`
}

function partOf(name: string, part: string): Value {
  const line = name.split('\n').find(one => one.startsWith(`${part}=`))
  return line === undefined ? null : line.slice(part.length + 1)
}

function alternativeOf(names: string, kind: string): Value {
  const found = names.split(', ').find(one => one.startsWith(`${kind}:`))
  return found === undefined ? null : found.slice(kind.length + 1)
}

function decimal(hex: string): Value {
  const number = BigInt(`0x${hex}`)
  return number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : number.toString()
}

/** `Certificate ::= SEQUENCE { tbs SEQUENCE { [0] version DEFAULT v1, …` (RFC 5280 §4.1). */
function versionOf(der: Buffer): number {
  const inner = contentAt(der, contentAt(der, 0))
  return der[inner] === 0xa0 ? (der[inner + 4] ?? 0) + 1 : 1
}

/** Where the content of the DER value at an offset begins. */
function contentAt(der: Buffer, at: number): number {
  const length = der[at + 1] ?? 0
  return at + 2 + (length > 0x7f ? length & 0x7f : 0)
}
