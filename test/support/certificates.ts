import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A certificate and its key, as files and as text. */
export interface Issued {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** A certificate authority in a folder of its own, which is removed at the end of the test. */
export class TestAuthority {
  readonly folder: string
  readonly caFile: string
  readonly #caKey: string
  #issued = 0

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'fanfare-ca-'))
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }))
    this.caFile = join(this.folder, 'ca.pem')
    this.#caKey = join(this.folder, 'ca.key')
    const subject = ['-subj', '/O=Fanfare tests/CN=Test authority']
    this.#openssl('req', '-x509', ...EC_KEY, '-days', '30', ...subject, '-keyout', this.#caKey, '-out', this.caFile)
  }

  get ca(): string {
    return readFileSync(this.caFile, 'utf8')
  }

  /** A certificate for names and addresses, `DNS:example.com,IP:127.0.0.1`. With negative `days` it has expired. */
  issue(commonName: string, alternatives: string, days = 20): Issued {
    this.#issued += 1
    const base = join(this.folder, `issued-${this.#issued}`)
    const files = { certFile: `${base}.pem`, keyFile: `${base}.key` }
    writeFileSync(`${base}.ext`, `subjectAltName=${alternatives}\n`)
    const subject = ['-subj', `/C=DE/O=Fanfare tests/CN=${commonName}`]
    this.#openssl('req', ...EC_KEY, ...subject, '-keyout', files.keyFile, '-out', `${base}.csr`)
    const ca = ['-CA', this.caFile, '-CAkey', this.#caKey, '-set_serial', String(1000 + this.#issued)]
    this.#openssl(
      ...['x509', '-req', '-in', `${base}.csr`, ...ca, '-days', String(days)],
      ...['-extfile', `${base}.ext`, '-out', files.certFile],
    )
    return { ...files, cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') }
  }

  /** A folder with a list that revokes these certificates. */
  revoke(...certificates: readonly Issued[]): string {
    const folder = join(this.folder, 'crl')
    execFileSync('mkdir', ['-p', folder])
    const index = join(this.folder, 'index.txt')
    writeFileSync(index, '')
    const config = join(this.folder, 'ca.cnf')
    writeFileSync(config, `[ca]\ndefault_ca=d\n[d]\ndatabase=${index}\ndefault_md=sha256\ndefault_crl_days=30\n`)
    const by = ['-config', config, '-keyfile', this.#caKey, '-cert', this.caFile]
    for (const { certFile } of certificates) this.#openssl('ca', ...by, '-revoke', certFile)
    this.#openssl('ca', ...by, '-gencrl', '-out', join(folder, 'list.pem'))
    return folder
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
}
