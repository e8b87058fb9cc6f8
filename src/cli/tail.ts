import { parseArgs } from 'node:util'
import { type CliCommand, type CliIo, UsageError } from './command.ts'
import { DEFAULT_URL, MiConnectionError, type MiTarget, openHttp, parseTarget } from './mi-client.ts'

export const usage = 'tail [EVENT] [--filter NAME=VALUE] [--url URL] [--user NAME:PASSWORD] [--json]'
export const summary = 'Prints the events of a running proxy as they happen, one a line.'

type HttpTarget = Extract<MiTarget, { kind: 'http' }>

/**
 * Runs `fanfare tail` until the proxy ends the stream. Gives 0 then, 1 when the proxy was not reached or refused.
 * Throws UsageError for a command line it cannot read.
 */
export async function run(argv: readonly string[], io: CliIo): Promise<number> {
  const { target, asJson } = parse(argv)
  const show = asJson ? (data: string): string => data : readable
  try {
    const response = await openHttp(target, { method: 'GET', headers: { Accept: 'text/event-stream' } })
    response.setEncoding('utf8')
    const messages = new ServerSentEvents((type, data) => {
      if (type === 'missed') io.stderr.write(`(${data} events left out: they came faster than they were read)\n`)
      else io.stdout.write(`${show(data)}\n`)
    })
    for await (const piece of response) messages.push(piece)
    return 0
  } catch (error) {
    const lost = (error as NodeJS.ErrnoException).code === 'ECONNRESET'
    if (!lost && !(error instanceof MiConnectionError)) throw error
    io.stderr.write(`${lost ? 'the proxy closed the connection' : (error as Error).message}\n`)
    return 1
  }
}

function parse(argv: readonly string[]): { target: HttpTarget; asJson: boolean } {
  const { values, positionals } = read(argv)
  if (positionals.length > 1) throw new UsageError(`one event at most: usage: fanfare ${usage}`)
  const target = parseTarget(values.url, values.user, '')
  if (target.kind !== 'http') throw new UsageError('events are only streamed over HTTP: --url http://host:port/mi')
  const url = new URL(target.url)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/events`
  const [event] = positionals
  if (event !== undefined) url.searchParams.set('event', event)
  if (values.filter !== undefined) url.searchParams.set('filter', values.filter)
  return { target: { ...target, url }, asJson: values.json }
}

function read(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      url: { type: 'string', default: DEFAULT_URL },
      user: { type: 'string' },
      filter: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
}

/** Splits a `text/event-stream` (HTML Living Standard §9.2.6) into messages; comments are passed over. */
class ServerSentEvents {
  readonly #onMessage: (type: string, data: string) => void
  #rest = ''
  #type = ''
  readonly #data: string[] = []

  constructor(onMessage: (type: string, data: string) => void) {
    this.#onMessage = onMessage
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#take(line)
  }

  #take(line: string): void {
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (name === 'event') this.#type = value
    else if (name === 'data') this.#data.push(value)
    else if (line === '') this.#dispatch()
  }

  #dispatch(): void {
    if (this.#data.length > 0) this.#onMessage(this.#type, this.#data.join('\n'))
    this.#type = ''
    this.#data.length = 0
  }
}

/** `2026-11-20T15:22:07.123Z E_PIKE_BLOCKED ip=10.0.0.1`. */
function readable(data: string): string {
  const { time, event, params = {} } = JSON.parse(data) as { time: string; event: string; params?: object }
  const words = Array.isArray(params)
    ? params.map(word)
    : Object.entries(params).map(([name, value]) => `${name}=${word(value)}`)
  return [time, event, ...words].join(' ')
}

/** A value as it is, or as JSON where that would be unclear; a terminal gets no control characters. */
function word(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"'\\\p{Cc}]+$/u.test(value)) return value
  // JSON leaves DEL and the C1 controls as they are.
  return JSON.stringify(value).replace(/[\x7f-\x9f]/g, c => `\\u00${c.charCodeAt(0).toString(16)}`)
}

const tail: CliCommand = { usage, summary, run }
export default tail
