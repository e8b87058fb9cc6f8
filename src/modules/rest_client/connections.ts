import { readdir, readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { join } from 'node:path'
import { type ConnectionOptions, rootCertificates } from 'node:tls'
import type { Clock } from '../../util/clock.ts'

/** The agents that hold the connections of one request. */
export interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

interface ConnectionsParts {
  readonly clock: Clock
  readonly tls: ConnectionOptions
  /** Connections older than this are not used again; 0: as long as the server keeps them. */
  readonly lifetimeS: number
}

/** Connections to web servers that are kept for the next request. */
export class Connections {
  readonly #parts: ConnectionsParts
  #current: Agents | null = null
  #sinceMs = 0

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
  }

  get agents(): Agents {
    const { clock, lifetimeS, tls } = this.#parts
    const nowMs = clock.monotonicMs()
    if (this.#current !== null && lifetimeS > 0 && nowMs - this.#sinceMs >= lifetimeS * 1000) this.#retire()
    if (this.#current !== null) return this.#current
    this.#sinceMs = nowMs
    this.#current = agentsWith(tls, true)
    return this.#current
  }

  /** Whether a connection that is free leads to this origin, `http://host:port`. */
  hasFree(url: URL): boolean {
    if (this.#current === null) return false
    const { freeSockets } = url.protocol === 'https:' ? this.#current.https : this.#current.http
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
    const start = `${url.hostname.replace(/^\[|\]$/g, '')}:${port}:`
    return Object.entries(freeSockets).some(([name, sockets]) => name.startsWith(start) && (sockets?.length ?? 0) > 0)
  }

  close(): void {
    this.#current?.http.destroy()
    this.#current?.https.destroy()
    this.#current = null
  }

  /** Requests that are under way end in peace; what is free is closed, and so will be what becomes free. */
  #retire(): void {
    if (this.#current === null) return
    for (const agent of [this.#current.http, this.#current.https]) {
      agent.maxFreeSockets = 0
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    }
    this.#current = null
  }
}

/** Agents with their own connections; `keepAlive`: a connection serves several requests. */
export function agentsWith(tls: ConnectionOptions, keepAlive: boolean): Agents {
  return {
    http: new HttpAgent({ keepAlive, maxFreeSockets: 32 }),
    https: new HttpsAgent({ ...tls, keepAlive, maxFreeSockets: 32 }),
  }
}

interface TlsRules {
  readonly verifiesPeer: boolean
  readonly verifiesHost: boolean
  /** Folder of authorities that are trusted beside the well-known ones; undefined: none. */
  readonly caFolder: string | undefined
}

/** How TLS is spoken where the script names no domain. Rejects with an Error when the folder cannot be read. */
export async function tlsOptions({ verifiesPeer, verifiesHost, caFolder }: TlsRules): Promise<ConnectionOptions> {
  return {
    rejectUnauthorized: verifiesPeer,
    ...(verifiesHost ? {} : { checkServerIdentity: () => undefined }),
    ...(caFolder === undefined ? {} : { ca: [...rootCertificates, ...(await certificatesIn(caFolder))] }),
  }
}

async function certificatesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.filter(entry => !entry.isDirectory()).map(entry => join(folder, entry.name))
  const texts = await Promise.all(files.map(file => readFile(file, 'utf8')))
  return texts.filter(text => text.includes('-----BEGIN CERTIFICATE'))
}
