import { connect, type Socket } from 'node:net'

export interface RawResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** Whether the server closed the connection behind it. */
  readonly closed: boolean
}

/** A connection that sends bytes as they are and reads responses that carry a Content-Length. */
export class RawHttp {
  readonly socket: Socket
  #bytes = Buffer.alloc(0)
  #closed = false

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', bytes => {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.from(bytes)])
      this.socket.emit('progress')
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.#closed = true
      this.socket.emit('progress')
    })
  }

  async ask(request: string | Buffer): Promise<RawResponse> {
    this.socket.write(request)
    const head = await this.#until(
      () => this.#bytes.indexOf('\r\n\r\n') + 4,
      at => at > 3,
    )
    const [statusLine = '', ...lines] = this.#bytes.toString('latin1', 0, head).trimEnd().split('\r\n')
    const headers = new Map(lines.map(line => [line.replace(/:.*/s, '').toLowerCase(), line.replace(/^[^:]*: */, '')]))
    const end = head + Number(headers.get('content-length') ?? 0)
    await this.#until(
      () => this.#bytes.length,
      length => length >= end,
    )
    const body = this.#bytes.toString('utf8', head, end)
    this.#bytes = this.#bytes.subarray(end)
    if (headers.get('connection') === 'close')
      await this.#until(
        () => (this.#closed ? 1 : 0),
        closed => closed === 1,
      )
    return { status: Number(statusLine.split(' ')[1]), headers, body, closed: this.#closed }
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    await this.#until(
      () => (this.#closed ? 1 : 0),
      closed => closed === 1,
    )
  }

  close(): void {
    this.socket.destroy()
  }

  async #until(read: () => number, fits: (value: number) => boolean): Promise<number> {
    for (;;) {
      const value = read()
      if (fits(value)) return value
      if (this.#closed) throw new Error(`connection closed after ${this.#bytes.length} bytes`)
      await new Promise<void>(resolve => this.socket.once('progress', () => resolve()))
    }
  }
}
