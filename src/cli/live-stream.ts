import type { CliIo } from './command.ts'
import { UsageError } from './command.ts'
import { MiConnectionError, openHttp, parseTarget } from './mi-client.ts'

/** What is streamed, and from where. */
export interface LiveStream {
  /** `--url` and `--user`. */
  readonly url: string
  readonly user: string | undefined
  /** Its name below the root of mi_http. */
  readonly name: string
  /** What is asked of it. */
  readonly query: Readonly<Record<string, string | undefined>>
  /** What is left out of it when it is read too slowly, in the plural. */
  readonly items: string
}

/**
 * Reads a stream of a running proxy: each item as JSON text, until `onItem` gives false or the proxy ends it. Gives 0 then, 1
 * when the proxy was not reached or refused. Throws UsageError for an address without streams.
 */
export async function readLive(stream: LiveStream, io: CliIo, onItem: (json: string) => boolean): Promise<number> {
  const target = parseTarget(stream.url, stream.user, '')
  if (target.kind !== 'http')
    throw new UsageError(`${stream.items} are only streamed over HTTP: --url http://host:port/mi`)
  const url = new URL(target.url)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${stream.name}`
  for (const [name, value] of Object.entries(stream.query)) if (value !== undefined) url.searchParams.set(name, value)
  try {
    const response = await openHttp({ ...target, url }, { method: 'GET', headers: { Accept: 'text/event-stream' } })
    response.setEncoding('utf8')
    let goesOn = true
    const messages = new ServerSentEvents((type, data) => {
      if (!goesOn) return
      if (type === 'missed')
        io.stderr.write(`(${data} ${stream.items} left out: they came faster than they were read)\n`)
      else goesOn = onItem(data)
    })
    for await (const piece of response) {
      messages.push(piece)
      if (!goesOn) break
    }
    return 0
  } catch (error) {
    const lost = (error as NodeJS.ErrnoException).code === 'ECONNRESET'
    if (!lost && !(error instanceof MiConnectionError)) throw error
    io.stderr.write(`${lost ? 'the proxy closed the connection' : (error as Error).message}\n`)
    return 1
  }
}

/** A value as it is, or as JSON where that would be unclear; a terminal gets no control characters. */
export function word(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"'\\\p{Cc}]+$/u.test(value)) return value
  // JSON leaves DEL and the C1 controls as they are.
  return JSON.stringify(value).replace(/[\x7f-\x9f]/g, c => `\\u00${c.charCodeAt(0).toString(16)}`)
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
