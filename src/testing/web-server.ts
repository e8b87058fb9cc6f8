import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Bench, Taken } from './bench.ts'
import { ExpectationError } from './failure.ts'
import { type Pattern, testOf, type ValueTest } from './pattern.ts'

/** What a web server answers. */
export interface WebReply {
  readonly status: number
  readonly body: string
}

/** A request as a web server of a test got it. */
export interface WebRequest {
  readonly method: string
  /** With what stands behind a `?`. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a request has to be like. */
export interface WebWishes {
  readonly path?: Pattern | ValueTest | undefined
  readonly body?: Pattern | ValueTest | undefined
  readonly headers?: Readonly<Record<string, Pattern | ValueTest | null>> | undefined
}

/**
 * A web server that stands for one the script asks: it listens on a free port of 127.0.0.1, and the script is changed to
 * ask it there. HTTP without TLS.
 */
export class WebServer {
  readonly name: string
  /** Host and port as the script names them. */
  readonly authority: string
  reply: WebReply
  readonly requests: Taken<WebRequest>[] = []
  readonly #server: Server
  readonly #onRequest: (request: WebRequest) => void

  constructor(name: string, authority: string, reply: WebReply, onRequest: (request: WebRequest) => void) {
    this.name = name
    this.authority = authority
    this.reply = reply
    this.#onRequest = onRequest
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  /** Gives where it is asked instead. */
  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      // Who asked has gone: nobody is left to answer.
      return
    }
    const { method = '', url: path = '' } = request
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const asked = { method, path, headers, body: Buffer.concat(chunks).toString() }
    this.requests.push({ what: asked, isRead: false })
    this.#onRequest(asked)
    response.writeHead(this.reply.status, { 'content-type': 'text/plain' }).end(this.reply.body)
  }
}

/** What is expected to reach a web server of a test. */
export class WebSteps {
  readonly #server: WebServer
  readonly #bench: Bench

  constructor(server: WebServer, bench: Bench) {
    this.#server = server
    this.#bench = bench
  }

  /** Answers so from now on. */
  replies(status: number, body = ''): void {
    this.#server.reply = { status, body }
  }

  /** Takes the first request of this method that no step has spoken of. Throws ExpectationError. */
  async gets(method: string, wishes: WebWishes = {}, withinMs = 0): Promise<WebRequest> {
    const find = (): Taken<WebRequest> | undefined =>
      this.#unread.find(({ what }) => what.method === method && faultsOf(what, wishes).length === 0)
    await this.#bench.waitFor(() => find() !== undefined, withinMs)
    const found = find()
    if (found === undefined) throw this.#complaint(method, wishes)
    found.isRead = true
    return found.what
  }

  /** Expects that every request has been spoken of. */
  async getsNothing(): Promise<void> {
    await this.#bench.settle()
    if (this.#unread.length > 0)
      throw new ExpectationError(`nothing else to reach ${this.#server.name}`, requestLines(this.#unread))
  }

  get #unread(): readonly Taken<WebRequest>[] {
    return this.#server.requests.filter(({ isRead }) => !isRead)
  }

  #complaint(method: string, wishes: WebWishes): ExpectationError {
    const wanted = `the request ${method} at ${this.#server.name}`
    const near = this.#unread.find(({ what }) => what.method === method)
    const faults = near === undefined ? [] : faultsOf(near.what, wishes)
    return new ExpectationError([wanted, ...faults].join('\n  '), requestLines(this.#unread))
  }
}

function faultsOf(request: WebRequest, { path, body, headers = {} }: WebWishes): string[] {
  const wishes: [string, Pattern | ValueTest | null | undefined, string | undefined][] = [
    ['path', path, request.path],
    ...Object.entries(headers).map(
      ([name, wish]) => [`header ${name}`, wish, request.headers[name.toLowerCase()]] as [string, typeof wish, string],
    ),
    ['body', body, request.body],
  ]
  return wishes.flatMap(([what, wish, value]) => {
    if (wish === undefined) return []
    const found = value === undefined ? 'there is none' : `it is ${JSON.stringify(value)}`
    if (wish === null) return value === undefined ? [] : [`no ${what}: ${found}`]
    const test = testOf(wish)
    return value !== undefined && test.holds(value) ? [] : [`${what} ${test.text}: ${found}`]
  })
}

const requestLines = (requests: readonly Taken<WebRequest>[]): string =>
  requests.length === 0
    ? 'nothing'
    : requests.map(({ what }) => `${what.method} ${what.path}${what.body === '' ? '' : ` ${what.body}`}`).join('\n')
