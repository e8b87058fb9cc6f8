import { isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls'
import type { Log } from '../../log/log.ts'
import { hostPort } from './address.ts'
import type { Hop } from './endpoint.ts'
import type { Opening, OpeningEvents } from './opening.ts'

/** How TLS is spoken with one group of peers: a TLS domain of the script. */
export interface TlsDomain {
  readonly name: string
  /** Certificate, key, authorities, versions and ciphers. */
  readonly options: SecureContextOptions
  /** The same, ready for use. */
  readonly context: SecureContext
  /** A certificate the peer shows must be valid. */
  readonly verifies: boolean
  /** A client must show a certificate. */
  readonly requires: boolean
  /** The certificate of a server must be for the name it was looked up by (RFC 5922 §7). */
  readonly checksName: boolean
}

/** The TLS domains there are, as the script defines them. */
export interface TlsDomains {
  /** The domain of a connection that came to this address, for the server name the client asked for; null: it named none. */
  server(address: string, port: number, serverName: string | null): TlsDomain | undefined
  /** Whether there is a domain for connections to this address. */
  serves(address: string, port: number): boolean
  /** Whether clients that come to this address are asked for a certificate. */
  asksClients(address: string, port: number): boolean
  /** The domain of a connection to a hop. */
  client(hop: Hop): TlsDomain | undefined
}

/** TLS below SIP: wraps connections by the domains that were given. */
export class TlsLayer {
  readonly #log: Log
  readonly #acceptors = new Map<string, Acceptor>()
  #domains: TlsDomains | null = null

  constructor(log: Log) {
    this.#log = log
  }

  /** Sets the domains for connections that are opened and accepted from now on. */
  use(domains: TlsDomains): void {
    this.#domains = domains
    this.#acceptors.clear()
  }

  /** Whether TLS can be spoken on this address: a sentence when not. */
  whyNot(address: string, port: number): string | null {
    if (this.#domains === null) return 'no TLS domains are defined: loadmodule "tls_mgm.so" and define a server_domain'
    if (!this.#domains.serves(address, port)) return 'no TLS server domain is for it: see server_domain of tls_mgm'
    const acceptor = this.#acceptorAt(address, port)
    return acceptor instanceof Error ? acceptor.message : null
  }

  /** A connection that was accepted on this address. */
  accept(socket: Socket, address: string, port: number): Opening {
    const acceptor = this.#acceptorAt(address, port)
    return {
      socket,
      start: events => {
        events.connected()
        if (acceptor instanceof Error) events.failed(acceptor.message)
        else acceptor.take(socket, events)
      },
    }
  }

  /** The domain for connections to a hop; undefined where there is none. */
  domainOf(hop: Hop): TlsDomain | undefined {
    return this.#domains?.client(hop)
  }

  /** The same, with a line in the log where there is none. */
  clientDomain(hop: Hop): TlsDomain | undefined {
    const domain = this.domainOf(hop)
    if (domain === undefined)
      this.#log.often().warn('no TLS client domain matches this destination', {
        to: hostPort(hop.address, hop.port),
        name: hop.name ?? '',
      })
    return domain
  }

  /** A connection to a hop, by a domain that {@link clientDomain} gave. */
  connect(hop: Hop, domain: TlsDomain, options: TcpNetConnectOpts): Opening {
    const expected = hop.name ?? hop.address
    const socket = connect({
      ...options,
      secureContext: domain.context,
      // RFC 6066 §3: addresses are no server names.
      ...(isIP(expected) === 0 ? { servername: expected } : {}),
      rejectUnauthorized: domain.verifies,
      checkServerIdentity: (_, certificate) =>
        domain.checksName ? checkServerIdentity(expected, certificate) : undefined,
    })
    return {
      socket,
      start: events => {
        socket.once('connect', () => events.connected())
        socket.once('secureConnect', () => events.ready(socket))
      },
    }
  }

  #acceptorAt(address: string, port: number): Acceptor | Error {
    const key = hostPort(address, port)
    const known = this.#acceptors.get(key)
    if (known !== undefined) return known
    if (this.#domains === null) return new Error('no TLS domains are defined')
    try {
      const made = new Acceptor(this.#domains, address, port, this.#log)
      this.#acceptors.set(key, made)
      return made
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}

/** Whether a connection, opened for one name, may serve another as well: its certificate must be for that, too. */
export function mayServe(tls: TLSSocket | null, domain: TlsDomain | null, name: string | undefined): boolean {
  if (tls === null || domain === null || name === undefined || !domain.checksName || !domain.verifies) return true
  return checkServerIdentity(name, tls.getPeerCertificate()) === undefined
}

/** Server side of TLS on one address. */
class Acceptor {
  readonly #server: Server
  readonly #domains: TlsDomains
  readonly #address: string
  readonly #port: number
  readonly #log: Log
  /** Handshakes under way, by remote address and port. */
  readonly #handshakes = new Map<string, OpeningEvents>()

  constructor(domains: TlsDomains, address: string, port: number, log: Log) {
    this.#domains = domains
    this.#address = address
    this.#port = port
    this.#log = log
    this.#server = createServer({
      ...domains.server(address, port, null)?.options,
      requestCert: domains.asksClients(address, port),
      // Which domain the client has chosen is known only later: certificates are judged then.
      rejectUnauthorized: false,
      SNICallback: (name, done) => {
        const domain = domains.server(address, port, name)
        if (domain !== undefined) done(null, domain.context)
        else {
          log.info('no TLS server domain is for the name a client asks for', { name, at: hostPort(address, port) })
          done(new Error('no TLS server domain'))
        }
      },
    })
    this.#server.on('secureConnection', socket => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
  }

  take(socket: Socket, events: OpeningEvents): void {
    const peer = peerOf(socket)
    this.#handshakes.set(peer, events)
    socket.once('close', () => this.#handshakes.delete(peer))
    this.#server.emit('connection', socket)
  }

  #failed(error: Error, socket: TLSSocket): void {
    const events = this.#handshakes.get(peerOf(socket))
    if (events !== undefined) events.failed(error.message)
    // The socket below has gone and does not tell any more whose it was.
    else this.#log.info('TLS handshake failed', { at: hostPort(this.#address, this.#port), why: error.message })
  }

  #secured(socket: TLSSocket): void {
    const peer = peerOf(socket)
    const events = this.#handshakes.get(peer)
    this.#handshakes.delete(peer)
    if (events === undefined) {
      socket.destroy()
      return
    }
    const refusal = this.#refusalOf(socket)
    if (refusal === null) {
      events.ready(socket)
      return
    }
    this.#log.often(socket.remoteAddress ?? '').warn('TLS client refused', { from: peer, why: refusal })
    events.failed(refusal)
  }

  #refusalOf(socket: TLSSocket): string | null {
    const serverName = typeof socket.servername === 'string' ? socket.servername : null
    const domain = this.#domains.server(this.#address, this.#port, serverName)
    if (domain === undefined) return 'no TLS server domain matches'
    const hasCertificate = Object.keys(socket.getPeerCertificate()).length > 0
    if (!hasCertificate)
      return domain.requires ? `domain ${domain.name} requires a certificate and none was shown` : null
    if (!domain.verifies || socket.authorized) return null
    return `domain ${domain.name} cannot verify the certificate: ${String(socket.authorizationError)}`
  }
}

function peerOf(socket: Socket): string {
  return hostPort(socket.remoteAddress ?? '', socket.remotePort ?? 0)
}
