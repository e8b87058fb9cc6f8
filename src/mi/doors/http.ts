import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Log } from '../../log/log.ts'
import type { Caller } from '../management-interface.ts'
import type { CommandRules } from '../permissions.ts'
import type { AddressList } from './address-list.ts'
import { BasicAuth, type HttpCredentials, type HttpUser } from './basic-auth.ts'
import { parseTarget, type Target } from './http-target.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asked; null where no names are asked for. */
    user: HttpUser | null
  }
}

/** A request as handlers see it. */
export interface HttpRequest {
  /** `GET` or `POST`; others are refused before. */
  readonly method: string
  /** Path segments behind the handler's root, decoded: `/mi/events` gives `['events']`. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Empty when there is none. */
  readonly body: Buffer
  /** `address:port` of the client, for the log. */
  readonly remote: string
  /** Who asked, where names are asked for. */
  readonly user: HttpUser | null
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Buffer
  /** Closes the connection behind it. */
  readonly close?: boolean
  /** Further header fields. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that goes on: written piece by piece until either side ends it. */
export interface HttpStream {
  readonly contentType: string
  /** Called once; gives what to do when the client is gone or the listener closes. */
  readonly open: (out: HttpWriter) => () => void
}

export interface HttpWriter {
  write(text: string): void
  end(): void
  /** Bytes written and not yet taken by the client. */
  backlogBytes(): number
}

/** Answers the requests under one root. What it throws is logged and answered 500. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer | HttpStream | Promise<HttpAnswer | HttpStream>

/** Who runs a command, with what the door and the user's entry let them run. */
export function httpCaller(door: string, { remote, user }: HttpRequest, rules: CommandRules | null): Caller {
  const who = user === null ? remote : `${user.username}@${remote}`
  return { door, remote: who, rules: [rules, user?.rules ?? null].filter(one => one !== null) }
}

/** Whether a browser asks for the page of another site, which must not be able to command the proxy. */
export const isCrossSite = ({ headers }: Pick<HttpRequest, 'headers'>): boolean =>
  headers['sec-fetch-site'] === 'cross-site'

export interface HttpListenerOptions {
  /** Address or name; '' or `*` for all. */
  readonly host: string
  /** 0 for one the system chooses. */
  readonly port: number
  /** Larger bodies are answered 413. */
  readonly maxBodyBytes: number
  /** A client must have sent its request by then; a connection without requests is closed by then. */
  readonly receiveTimeoutMs: number
  /** Addresses that are answered; others get 403. Everybody if absent or null. */
  readonly allowed?: AddressList | null
  /** Basic authentication (RFC 7617), asked for when present. */
  readonly credentials?: HttpCredentials | undefined
  /** Certificate chain and key, PEM. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly ciphers?: string } | undefined
}

export interface MountedRoot {
  readonly root: string
  readonly module: string
}

interface Mount extends MountedRoot {
  readonly handler: HttpHandler
}

const HTML = 'text/html'
/** Each may hold a request body of the largest size. */
const MAX_CONNECTIONS = 512

/**
 * The HTTP listener that management handlers share, told apart by the first path segment (events reference §5.2).
 * Handlers may be mounted before and after it opens. A content type is never looked at.
 */
export class HttpListener {
  readonly #mounts = new Map<string, Mount>()
  readonly #options: HttpListenerOptions
  readonly #log: Log
  readonly #auth: BasicAuth | null
  readonly #app: FastifyInstance

  constructor(options: HttpListenerOptions, log: Log) {
    this.#options = options
    this.#auth = options.credentials === undefined ? null : new BasicAuth(options.credentials)
    this.#log = log
    this.#app = this.#createApp()
  }

  /** Gives the requests under `/<root>` to a handler. Throws when another module has the root. */
  mount(root: string, module: string, handler: HttpHandler): void {
    const taken = this.#mounts.get(root)
    if (taken !== undefined) {
      throw new Error(`modules ${taken.module} and ${module} both want the HTTP root "/${root}": give one another root`)
    }
    this.#mounts.set(root, { root, module, handler })
  }

  roots(): readonly MountedRoot[] {
    return [...this.#mounts.values()].map(({ root, module }) => ({ root, module }))
  }

  /** Listens. Rejects with the system's error when the address cannot be had. */
  async open(): Promise<{ readonly address: string; readonly port: number }> {
    const { host, port } = this.#options
    if (host !== '' && host !== '*') await this.#app.listen({ host, port })
    else await this.#listenEverywhere(port)
    const { address, port: bound } = this.#app.server.address() as AddressInfo
    return { address, port: bound }
  }

  /** Stops listening and ends all connections, streams too. */
  async close(): Promise<void> {
    await this.#app.close()
  }

  async #listenEverywhere(port: number): Promise<void> {
    try {
      await this.#app.listen({ host: '::', port })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
      await this.#app.listen({ host: '0.0.0.0', port })
    }
  }

  #createApp(): FastifyInstance {
    const { maxBodyBytes, receiveTimeoutMs, tls } = this.#options
    const timeouts = { requestTimeout: receiveTimeoutMs, keepAliveTimeout: receiveTimeoutMs }
    const options = { ...timeouts, bodyLimit: maxBodyBytes, forceCloseConnections: true, exposeHeadRoutes: false }
    const connectionsCheckingInterval = Math.max(250, receiveTimeoutMs / 4)
    const server = { ...timeouts, headersTimeout: receiveTimeoutMs, connectionsCheckingInterval }
    const app: FastifyInstance =
      tls === undefined
        ? Fastify({ ...options, http: server })
        : secure(Fastify({ ...options, https: { ...server, ...tls } }))
    app.server.maxConnections = MAX_CONNECTIONS
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.decorateRequest('user', null)
    app.addHook('onRequest', (request, reply, done) => this.#admit(request, reply, done))
    app.setErrorHandler((error: FastifyError, request, reply) => this.#fail(error, request, reply))
    const serve = (request: FastifyRequest, reply: FastifyReply) => this.#serve(request, reply)
    // One route for all: what can be decoded at all meets our rules and not a router's. Other methods go the second way.
    app.route({ method: ['GET', 'POST'], url: '/*', handler: serve })
    app.setNotFoundHandler(serve)
    return app
  }

  #admit(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    // Requests are told by their root alone: an unknown or malformed content type must not refuse one.
    request.raw.headers['content-type'] = undefined
    const refusal = this.#refusal(request)
    if (refusal === null) done()
    else send(reply, refusal)
  }

  /** Why a request is not even read; null when it may come in. */
  #refusal(request: FastifyRequest): HttpAnswer | null {
    const { allowed = null } = this.#options
    if (allowed !== null && !allowed.has(request.ip)) {
      this.#log
        .often(request.ip)
        .warn('HTTP request refused', { remote: request.ip, reason: 'the address is not allowed' })
      return refused(403, 'Forbidden')
    }
    if (this.#auth !== null) {
      request.user = this.#auth.userOf(request.headers.authorization)
      const headers = { 'WWW-Authenticate': this.#auth.challenge }
      if (request.user === null) return { ...refused(401, 'Authentication required'), headers }
    }
    if (request.method !== 'GET' && request.method !== 'POST') return refused(406, 'Unsupported HTTP request!')
    // A page of another site that the operator's browser shows must not be able to command the proxy.
    return request.method === 'POST' && isCrossSite(request) ? refused(403, 'Cross-site request refused') : null
  }

  #serve(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    const target = parseTarget(request.url)
    const root = target?.path[0] ?? ''
    if (target === null || root === '') return send(reply, refused(400, 'Unable to parse URL!'))
    const mount = this.#mounts.get(root)
    if (mount === undefined) return send(reply, { status: 404, contentType: HTML, body: page('Not found') })
    const answer = mount.handler(new ReceivedRequest(request, target))
    return answer instanceof Promise ? answer.then(late => give(reply, late)) : give(reply, answer)
  }

  #fail(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const status = error.statusCode ?? 500
    if (status >= 500)
      this.#log.error('HTTP handler failed', { path: request.url, reason: error.stack ?? error.message })
    const text = status >= 500 ? 'Internal server error' : error.message
    return send(reply, { status, contentType: HTML, body: page(text), close: true })
  }
}

/** Fastify's type of an HTTPS server differs in its generic arguments only. */
const secure = (app: unknown): FastifyInstance => app as FastifyInstance

const page = (text: string): string => `<html><body>${text}</body></html>`
const refused = (status: number, text: string): HttpAnswer => ({
  status,
  contentType: HTML,
  body: page(text),
  close: true,
})

const NO_BODY = Buffer.alloc(0)

/** A request that was read. The query is parsed when it is asked for: those of the management interface have none. */
class ReceivedRequest implements HttpRequest {
  readonly method: string
  readonly path: readonly string[]
  readonly headers: HttpRequest['headers']
  readonly body: Buffer
  readonly remote: string
  readonly user: HttpUser | null
  readonly #search: string

  constructor(request: FastifyRequest, { path, search }: Target) {
    this.method = request.method
    this.path = path.slice(1)
    this.headers = request.headers
    this.body = Buffer.isBuffer(request.body) ? request.body : NO_BODY
    this.remote = `${request.ip}:${request.socket.remotePort ?? 0}`
    this.user = request.user
    this.#search = search
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#search)
  }
}

const give = (reply: FastifyReply, answer: HttpAnswer | HttpStream): FastifyReply =>
  'open' in answer ? sendStream(reply, answer) : send(reply, answer)

function send(reply: FastifyReply, { status, contentType, body, close, headers }: HttpAnswer): FastifyReply {
  if (close === true) reply.header('Connection', 'close')
  if (headers !== undefined) reply.headers(headers)
  // A text leaves together with the head, in the encoding of the text; header fields are Latin-1.
  const payload = headers === undefined ? body : Buffer.from(body)
  return reply.code(status).header('Content-Type', contentType).serializer(asItIs).send(payload)
}

/** Without a serializer Fastify adds a charset to the content type of JSON; the answer says what it means. */
const asItIs = (body: unknown): string => body as string

function sendStream(reply: FastifyReply, stream: HttpStream): FastifyReply {
  const body = new PassThrough()
  const close = stream.open({
    write: text => void body.write(text),
    end: () => void body.end(),
    backlogBytes: () => body.writableLength + body.readableLength + reply.raw.writableLength,
  })
  body.once('close', close)
  body.on('error', () => {})
  return reply.header('Content-Type', stream.contentType).header('Cache-Control', 'no-store').send(body)
}
