/** One medium of a session description that carries RTP, as an RTP proxy must know it. */
export interface MediaStream {
  /** Index of its `m=` line. */
  readonly line: number
  readonly port: number
  readonly payloads: readonly string[]
  /** From its own `c=` line, else that of the session. */
  readonly address: string
}
/** Where the media of a stream go now. */
export interface MediaPlace {
  readonly address: string
  readonly port: number
}
/** What else than addresses and ports of the media is changed. */
export interface RewriteOptions {
  readonly changesOrigin: boolean
  readonly changesSession: boolean
  /** Line added at the end, with its line end; '' for none. */
  readonly mark: string
}

const RTP = /^(?:RTP\/|UDP\/TLS\/RTP|udptl\b|udp\b)/i
/** Most media of one description that are looked at. */
const MOST_MEDIA = 64

/** A session description, line by line: nothing but what an RTP proxy is put in for changes, other bytes stay. */
export class MediaLines {
  readonly #lines: string[]
  readonly #sessionConnection: number
  /** Media with a port, in order. */
  readonly streams: readonly MediaStream[]

  /** Of text whose characters are its bytes (latin1). */
  constructor(text: string) {
    this.#lines = text.split(/(?<=\n)/)
    const first = this.#lines.findIndex(line => line.startsWith('m='))
    const session = this.#lines.slice(0, first < 0 ? this.#lines.length : first)
    this.#sessionConnection = session.findIndex(line => line.startsWith('c='))
    this.streams = this.#readStreams()
  }

  /** The text with each stream at its place. */
  rewrite(
    places: ReadonlyMap<MediaStream, MediaPlace>,
    { changesOrigin, changesSession, mark }: RewriteOptions,
  ): string {
    const lines = [...this.#lines]
    let sessionPlace: MediaPlace | null = null
    for (const [stream, place] of places) {
      lines[stream.line] = withPort(lines[stream.line] ?? '', place.port)
      const own = this.#find(stream, 'c=')
      if (own >= 0) lines[own] = withAddress(lines[own] ?? '', place.address)
      else sessionPlace ??= place
      const rtcp = this.#find(stream, 'a=rtcp:')
      if (rtcp >= 0) lines[rtcp] = withRtcp(lines[rtcp] ?? '', place)
    }
    const [anyPlace] = places.values()
    if (changesSession) sessionPlace ??= anyPlace ?? null
    const connection = this.#sessionConnection
    if (sessionPlace !== null && connection >= 0)
      lines[connection] = withAddress(lines[connection] ?? '', sessionPlace.address)
    const origin = lines.findIndex(line => line.startsWith('o='))
    if (changesOrigin && origin >= 0 && anyPlace !== undefined)
      lines[origin] = withAddress(lines[origin] ?? '', anyPlace.address)
    const text = lines.join('')
    return text + (mark !== '' && !text.endsWith('\n') ? '\r\n' : '') + mark
  }

  #readStreams(): readonly MediaStream[] {
    const sessionAddress = addressOf(this.#lines[this.#sessionConnection])
    return this.#lines
      .flatMap((line, at) => {
        const parts = /^m=\S+\s+(\d{1,5})(?:\/\d+)?\s+(\S+)\s*(.*)/.exec(line)
        const port = Number(parts?.[1] ?? 0)
        if (parts === null || port === 0 || port > 65_535 || !RTP.test(parts[2] ?? '')) return []
        const payloads = (parts[3] ?? '').split(/\s+/).filter(payload => /^\d{1,3}$/.test(payload))
        const own = this.#find({ line: at }, 'c=')
        const address = own < 0 ? sessionAddress : addressOf(this.#lines[own])
        return address === null ? [] : [{ line: at, port, payloads, address }]
      })
      .slice(0, MOST_MEDIA)
  }

  /** Index of the first line of a stream that begins so, −1 without. */
  #find({ line }: Pick<MediaStream, 'line'>, start: string): number {
    for (let at = line + 1; at < this.#lines.length; at++) {
      const text = this.#lines[at] ?? ''
      if (text.startsWith('m=')) return -1
      if (text.startsWith(start)) return at
    }
    return -1
  }
}

/** RFC 4566 §5.7 `IN IP4 192.0.2.1[/ttl]`; null where it is something else. */
function addressOf(line: string | undefined): string | null {
  return /^c=IN\s+IP[46]\s+([0-9a-f:.]+)/i.exec(line ?? '')?.[1] ?? null
}

function withPort(line: string, port: number): string {
  return line.replace(/^(m=\S+\s+)\d+/, (_, head: string) => `${head}${port}`)
}

/** The address of a `c=` or `o=` line. An address of all zeros puts a stream on hold (RFC 2543 §B.5): it stays. */
function withAddress(line: string, address: string): string {
  return line.replace(/(IN\s+)IP[46](\s+)(\S+)/, (whole, head: string, gap: string, old: string) =>
    old === '0.0.0.0' ? whole : `${head}IP${address.includes(':') ? 6 : 4}${gap}${address}`,
  )
}

/** RFC 3605: RTCP goes to the port above. */
function withRtcp(line: string, { address, port }: MediaPlace): string {
  return withAddress(
    line.replace(/^(a=rtcp:)\d+/, (_, head: string) => `${head}${port + 1}`),
    address,
  )
}
