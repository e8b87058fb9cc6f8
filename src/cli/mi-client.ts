import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { constants, openSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIPv6, Socket } from 'node:net'
import { parseDatagramAddress } from '../mi/doors/datagram.ts'
import { makeFifo } from '../mi/doors/ownership.ts'
import { JsonScanner } from '../mi/json-scan.ts'
import { systemClock } from '../util/clock.ts'
import { UsageError } from './command.ts'

/** Where a running proxy takes management commands. */
export type MiTarget =
  | { readonly kind: 'http'; readonly url: URL; readonly user: string | undefined }
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'fifo'; readonly path: string; readonly replyDirectory: string }

/** Where a proxy is looked for without `--url`: at `$FANFARE_URL`, or where httpd and mi_http listen by default. */
export const DEFAULT_URL = process.env['FANFARE_URL'] || 'http://127.0.0.1:8888/mi'

/** The proxy could not be asked. The message says what was tried and what to do; it is for people. */
export class MiConnectionError extends Error {
  override readonly name = 'MiConnectionError'
  readonly code = 'E_MI_CONNECTION'
}

const HTTP_TIMEOUT_MS = 500_000
const LOCAL_TIMEOUT_MS = 10_000

/** Parses `--url`: `http://…`, `https://…`, `udp:host:port` or `fifo:PATH`. Throws UsageError. */
export function parseTarget(text: string, user: string | undefined, replyDirectory: string): MiTarget {
  if (text.startsWith('fifo:')) return { kind: 'fifo', path: text.slice('fifo:'.length), replyDirectory }
  if (text.startsWith('udp:')) return parseUdp(text)
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return { kind: 'http', url: new URL(text), user }
  throw new UsageError(`"${text}" is no management address: expected http://host:port/mi, udp:host:port or fifo:PATH`)
}

function parseUdp(text: string): MiTarget {
  try {
    const address = parseDatagramAddress(text)
    if (address.kind === 'udp') return { ...address, host: address.host || '127.0.0.1' }
  } catch {
    // Said below.
  }
  throw new UsageError(`"${text}" is no UDP address: expected udp:host:port`)
}

/** Sends one JSON-RPC text and gives the answer text. Rejects with MiConnectionError. */
export function exchange(target: MiTarget, text: string): Promise<string> {
  switch (target.kind) {
    case 'http':
      return exchangeHttp(target, text)
    case 'udp':
      return exchangeUdp(target, text)
    case 'fifo':
      return exchangeFifo(target, text)
  }
}

type HttpTarget = Extract<MiTarget, { kind: 'http' }>

async function exchangeHttp(target: HttpTarget, text: string): Promise<string> {
  const response = await openHttp(target, { method: 'POST', headers: { 'Content-Type': 'application/json' } }, text)
  return readText(response)
}

/** Sends a request and gives its response once the head says 200. Rejects with MiConnectionError. */
export async function openHttp(target: HttpTarget, options: RequestOptions, body = ''): Promise<IncomingMessage> {
  const { url, user } = target
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const auth = user === undefined ? {} : { auth: user }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = send(url, { ...options, ...auth }, resolve)
    outgoing.on('error', error => reject(httpFailure(url, error)))
    outgoing.end(body)
  })
  if (response.statusCode === 200) return response
  const said = await readText(response)
  throw new MiConnectionError(httpRefusal(url, response.statusCode ?? 0, said))
}

function httpFailure(url: URL, error: NodeJS.ErrnoException): MiConnectionError {
  const place = `${url.protocol}//${url.host}${url.pathname}`
  const hint =
    error.code === 'ECONNREFUSED'
      ? 'is the proxy running, and does its script load httpd.so and mi_http.so? Another address is given with --url'
      : error.message
  return new MiConnectionError(`cannot reach ${place} (${error.code ?? 'failed'}): ${hint}`, { cause: error })
}

function httpRefusal(url: URL, status: number, said: string): string {
  const place = `${url.protocol}//${url.host}${url.pathname}`
  if (status === 401) return `${place} wants a user name and password: give them with --user name:password`
  if (said !== '' && !said.startsWith('<')) return `${place} answered ${status}: ${said}`
  if (status === 404) return `${place} is not there: does the script load mi_http.so, and is its "root" in the address?`
  return `${place} answered ${status}`
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  response.setTimeout(HTTP_TIMEOUT_MS, () => response.destroy())
  let text = ''
  for await (const piece of response) text += piece
  return text
}

function exchangeUdp(target: Extract<MiTarget, { kind: 'udp' }>, text: string): Promise<string> {
  const { host, port } = target
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  const asked = new Promise<string>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(
        new MiConnectionError(
          `no answer from udp:${host}:${port} (${why}): does the script load mi_datagram.so there?`,
        ),
      )
    const timer = systemClock.after(LOCAL_TIMEOUT_MS, () => fail('time is over'))
    socket.on('error', error => fail((error as NodeJS.ErrnoException).code ?? error.message))
    socket.on('message', bytes => resolve(bytes.toString('utf8')))
    socket.on('close', () => timer.clear())
    // A connected socket is told when nobody listens there.
    socket.connect(port, host, () => socket.send(text))
  })
  return asked.finally(() => socket.close())
}

async function exchangeFifo(target: Extract<MiTarget, { kind: 'fifo' }>, text: string): Promise<string> {
  const name = `fanfare_reply_${process.pid}_${randomBytes(4).toString('hex')}`
  const replyPath = target.replyDirectory + name
  await makeFifo(replyPath, 0o600).catch(error => {
    throw new MiConnectionError(`cannot make the reply FIFO ${replyPath}: ${error.message}`)
  })
  const reply = new Socket({ fd: openSync(replyPath, constants.O_RDWR | constants.O_NONBLOCK), writable: false })
  try {
    // Waiting begins first: the answer may come at once.
    const answer = readReply(reply, target.path)
    await Promise.all([answer, writeFifo(target.path, `:${name}:${text}\n`)])
    return await answer
  } finally {
    reply.destroy()
    await unlink(replyPath).catch(() => {})
  }
}

function writeFifo(path: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const out = new Socket({ fd: openFifo(path), readable: false, writable: true })
    out.on('error', error => reject(new MiConnectionError(`cannot write to ${path}: ${error.message}`)))
    out.end(text, () => {
      out.destroy()
      resolve()
    })
  })
}

function openFifo(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new MiConnectionError(
      `cannot open the FIFO ${path} (${code}): is the proxy running, and does its script load mi_fifo.so with this fifo_name?`,
      { cause: error },
    )
  }
}

/** The first whole JSON text that comes. */
function readReply(reply: Socket, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.after(LOCAL_TIMEOUT_MS, () => reject(new MiConnectionError(`no answer through ${path}`)))
    const scanner = new JsonScanner()
    let text = ''
    reply.setEncoding('utf8')
    reply.on('error', reject)
    reply.on('close', () => timer.clear())
    reply.on('data', piece => {
      const from = text.length
      text += `${piece}`
      scanner.feed(text, from)
      if (scanner.state !== 'incomplete') resolve(text)
    })
  })
}
