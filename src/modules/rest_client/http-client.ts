import type { ConnectionOptions } from 'node:tls'
import type { Got, OptionsInit } from 'got'
import type { TimeLimit } from '../../script/context.ts'
import type { Clock } from '../../util/clock.ts'
import { Turns } from '../../util/turns.ts'
import { type Agents, agentsWith, Connections } from './connections.ts'
import { failure, type HttpOutcome, type HttpRequest, RestCode } from './http-reply.ts'
import { Transfer, type TransferLimits } from './transfer.ts'

export interface HttpClientParts {
  readonly got: Got
  readonly clock: Clock
  /** How TLS is spoken where a request names no domain. */
  readonly tls: ConnectionOptions
  /** What a TLS client domain says; undefined: there is none of that name. */
  readonly domain: (name: string) => ConnectionOptions | undefined
  readonly limits: TransferLimits & {
    /** Longest time for everything, the wait for its turn included; 0: none. */
    readonly totalMs: number
    /** Most transfers at once; others wait for their turn. */
    readonly most: number
    readonly connectionLifetimeS: number
  }
  /** Speak HTTP/2 where a server offers it over TLS. */
  readonly offersHttp2: boolean
  /** A second request fails while another one is still connecting to the same server. */
  readonly connectsOnce: boolean
  readonly userAgent: string
}

/** Asks web servers. Whatever they do, a request has its outcome in time. */
export class HttpClient {
  readonly #parts: HttpClientParts
  readonly #connections: Connections
  readonly #turns: Turns
  readonly #connecting = new Set<string>()
  readonly #running = new Set<(outcome: HttpOutcome) => void>()

  constructor(parts: HttpClientParts) {
    const { clock, tls, limits } = parts
    this.#parts = parts
    this.#connections = new Connections({ clock, tls, lifetimeS: limits.connectionLifetimeS })
    this.#turns = new Turns(Math.max(1, limits.most))
  }

  /** Never rejects. `timeLimit`: what the script says of this request beside the limits of all. */
  ask(request: HttpRequest, timeLimit: TimeLimit | null): Promise<HttpOutcome> {
    const url = httpUrl(request.url)
    if (url === null)
      return Promise.resolve(failure(RestCode.failed, 'the URL cannot be used: expected http://… or https://…'))
    const { clock, limits } = this.#parts
    return new Promise(resolve => {
      let transfer: Transfer | null = null
      let hasTurn = false
      const settle = (outcome: HttpOutcome): void => {
        if (!this.#running.delete(stop)) return
        leave()
        deadline?.clear()
        if (hasTurn) this.#turns.done()
        resolve(outcome)
      }
      const stop = (outcome: HttpOutcome): void => {
        if (transfer === null) settle(outcome)
        else transfer.end(outcome)
      }
      let leave = (): void => {}
      this.#running.add(stop)
      const { totalMs } = limits
      const giveUp = (reason: string): void => {
        const code = transfer?.isConnecting === true ? RestCode.connectTimeout : RestCode.transferTimeout
        stop(failure(code, reason))
      }
      const onDeadline = (): void => giveUp(`the transfer took longer than ${totalMs} ms`)
      const deadline = totalMs > 0 ? clock.after(totalMs, onDeadline) : null
      if (timeLimit !== null) timeLimit.onOver = () => giveUp('the transfer took longer than async() allows')
      leave = this.#turns.take(() => {
        hasTurn = true
        transfer = this.#transfer(request, url, settle)
        transfer?.start()
      })
    })
  }

  /** Ends what is under way and closes all connections. */
  close(): void {
    for (const stop of this.#running) stop(failure(RestCode.failed, 'the proxy stops'))
    this.#connections.close()
  }

  /** Null, with the outcome told, where the request cannot be made. */
  #transfer(request: HttpRequest, url: URL, onOutcome: (outcome: HttpOutcome) => void): Transfer | null {
    const { connectsOnce, got, clock, limits } = this.#parts
    const { origin } = url
    const refuse = (outcome: HttpOutcome): null => {
      onOutcome(outcome)
      return null
    }
    const agents = this.#agents(request)
    if (agents === null) return refuse(failure(RestCode.failed, `there is no TLS client domain "${request.tlsDomain}"`))
    if (connectsOnce && this.#connecting.has(origin) && !this.#connections.hasFree(url))
      return refuse(failure(RestCode.alreadyConnecting, `a connection to ${origin} is being opened`))
    this.#connecting.add(origin)
    const options = this.#options(request, agents)
    const onConnected = (): void => void this.#connecting.delete(origin)
    return new Transfer({ got, clock, url, options, limits, onConnected, onOutcome })
  }

  #agents({ tlsDomain }: HttpRequest): Agents | null {
    if (tlsDomain === null) return this.#connections.agents
    const options = this.#parts.domain(tlsDomain)
    return options === undefined ? null : agentsWith(options, false)
  }

  #options({ method, headers, body, tlsDomain }: HttpRequest, agents: Agents): OptionsInit {
    const { offersHttp2, tls, userAgent } = this.#parts
    // With an agent for HTTPS of its own the client would never offer HTTP/2.
    const usesHttp2 = offersHttp2 && tlsDomain === null
    return {
      method,
      headers: { 'user-agent': userAgent, accept: '*/*', ...headers },
      ...(body === null ? {} : { body }),
      ...(usesHttp2
        ? { http2: true, agent: { http: agents.http }, https: httpsOptions(tls) }
        : { agent: { http: agents.http, https: agents.https } }),
      followRedirect: false,
      throwHttpErrors: false,
      decompress: false,
      retry: { limit: 0 },
    }
  }
}

function httpsOptions({ rejectUnauthorized = true, ca, checkServerIdentity }: ConnectionOptions) {
  return {
    rejectUnauthorized,
    ...(typeof ca === 'string' || Array.isArray(ca) ? { certificateAuthority: ca as string | string[] } : {}),
    ...(checkServerIdentity === undefined ? {} : { checkServerIdentity }),
  }
}

/** The URL, whose scheme is http if it names none; null where it is no URL of a web server. */
function httpUrl(text: string): URL | null {
  const whole = /^[a-z][\w+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : null
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') ? url : null
}
