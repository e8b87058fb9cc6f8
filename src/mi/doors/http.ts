import { createHash, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Log } from '../../log/log.ts'
import type { Caller } from '../management-interface.ts'
import type { CommandRules } from '../permissions.ts'
import type { AddressList } from './address-list.ts'

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

/** Somebody who may use the listener. */
export interface HttpUser {
  readonly username: string
  readonly password: string
  /** Commands this user may run; null for all. */
  readonly rules: CommandRules | null
}

export interface HttpCredentials {
  readonly realm: string
  readonly users: readonly HttpUser[]
}

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
  readonly #app: FastifyInstance

  constructor(options: HttpListenerOptions, log: Log) {
    this.#options = options
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
    const options = { ...timeouts, bodyLimit: maxBodyBytes, forceCloseConnections: true }
    const connectionsCheckingInterval = Math.max(250, receiveTimeoutMs / 4)
    const server = { ...timeouts, headersTimeout: receiveTimeoutMs, connectionsCheckingInterval }
    const app: FastifyInstance =
      tls === undefined
        ? Fastify({ ...options, http: server })
        : secure(Fastify({ ...options, https: { ...server, ...tls } }))
    app.server.maxConnections = MAX_CONNECTIONS
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.addHook('onRequest', (request, reply, done) => this.#admit(request, reply, done))
    app.setErrorHandler((error: FastifyError, request, reply) => this.#fail(error, request, reply))
    // Every request goes this way, so that a path with odd characters meets our rules and not a router's.
    app.setNotFoundHandler((request, reply) => this.#serve(request, reply))
    return app
  }

  #admit(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    // Requests are told by their root alone: an unknown or malformed content type must not refuse one.
    delete request.raw.headers['content-type']
    const { credentials, allowed = null } = this.#options
    if (allowed !== null && !allowed.has(request.ip)) {
      this.#log.warn('HTTP request refused', { remote: request.ip, reason: 'the address is not allowed' })
      send(reply, { status: 403, contentType: HTML, body: page('Forbidden'), close: true })
    } else if (credentials !== undefined && userOf(request, credentials) === null) {
      reply.header('WWW-Authenticate', `Basic realm="${credentials.realm.replaceAll('"', "'")}", charset="UTF-8"`)
      send(reply, { status: 401, contentType: HTML, body: page('Authentication required'), close: true })
    } else if (request.method !== 'GET' && request.method !== 'POST') {
      send(reply, { status: 406, contentType: HTML, body: page('Unsupported HTTP request!'), close: true })
    } else if (request.method === 'POST' && isCrossSite(request)) {
      // A page of another site that the operator's browser shows must not be able to command the proxy.
      send(reply, { status: 403, contentType: HTML, body: page('Cross-site request refused'), close: true })
    } else done()
  }

  async #serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const url = parseTarget(request.url)
    const [root, ...path] = url?.path ?? []
    if (url === null || root === undefined || root === '') {
      return send(reply, { status: 400, contentType: HTML, body: page('Unable to parse URL!'), close: true })
    }
    const mount = this.#mounts.get(root)
    if (mount === undefined) return send(reply, { status: 404, contentType: HTML, body: page('Not found') })
    const answer = await mount.handler({
      method: request.method,
      path,
      query: url.query,
      headers: request.headers,
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      remote: `${request.ip}:${request.socket.remotePort ?? 0}`,
      user: userOf(request, this.#options.credentials),
    })
    return 'open' in answer ? sendStream(reply, answer) : send(reply, answer)
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

function send(reply: FastifyReply, answer: HttpAnswer): FastifyReply {
  if (answer.close === true) reply.header('Connection', 'close')
  if (answer.headers !== undefined) reply.headers(answer.headers)
  // Fastify would add a charset to a text type it is given through `type()`; the answer says what it means.
  return reply.code(answer.status).header('Content-Type', answer.contentType).send(Buffer.from(answer.body))
}

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

/** A target that means what it says: nothing escaped, no dots, no query. */
const PLAIN_TARGET = /^(?:\/[\w-]+)+$/

/** Splits a request target into decoded path segments and query; null when it cannot be decoded. */
function parseTarget(target: string): { path: readonly string[]; query: URLSearchParams } | null {
  if (PLAIN_TARGET.test(target)) return { path: target.slice(1).split('/'), query: new URLSearchParams() }
  try {
    const { pathname, searchParams } = new URL(target, 'http://localhost')
    const path = pathname.slice(1).split('/').map(decodeURIComponent)
    // A final slash names the same thing.
    return { path: path.at(-1) === '' ? path.slice(0, -1) : path, query: searchParams }
  } catch {
    return null
  }
}

/** The user a request names (RFC 7617 §2), or null. Compares digests, so that the time taken tells nothing about the passwords. */
function userOf(request: FastifyRequest, credentials: HttpCredentials | undefined): HttpUser | null {
  if (credentials === undefined) return null
  const encoded = /^basic +([\w+/=-]+) *$/i.exec(request.headers.authorization ?? '')?.[1]
  if (encoded === undefined) return null
  const given = digest(Buffer.from(encoded, 'base64'))
  const matching = credentials.users.filter(user =>
    timingSafeEqual(given, digest(Buffer.from(`${user.username}:${user.password}`))),
  )
  return matching[0] ?? null
}

const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
