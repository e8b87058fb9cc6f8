import type { SipMessage } from '../sip/codec/message.ts'

/** The first line of a message: request line or status line. */
export const firstLine = (message: SipMessage): string => message.bytes.toString('utf8', 0, message.headersStart).trim()

/** The values of all headers of a name, long or compact. */
export function headersOf(message: SipMessage, name: string): string[] {
  const values: string[] = []
  for (let i = message.findNamed(name); i >= 0; i = message.findNamed(name, i + 1)) values.push(message.headerValue(i))
  return values
}

/** The value of the first header of a name, '' without. */
export const headerOf = (message: SipMessage, name: string): string => headersOf(message, name)[0] ?? ''

/** Headers by name; a list gives one line for each value, null leaves the header out. */
export type Headers = Readonly<Record<string, string | readonly string[] | null>>

/** Header lines by name, to be written in this order. A name that is set again takes the place of the line it had. */
export class HeaderLines {
  readonly #lines = new Map<string, readonly string[]>()

  /** A list gives one line for each of its values; null takes the header out. */
  set(name: string, value: string | readonly string[] | null): this {
    const key = name.toLowerCase()
    if (value === null) this.#lines.delete(key)
    else
      this.#lines.set(
        key,
        [value].flat().map(one => `${name}: ${one}\r\n`),
      )
    return this
  }

  setAll(headers: Headers = {}): this {
    for (const [name, value] of Object.entries(headers)) this.set(name, value)
    return this
  }

  /** The message: first line, headers, body. Content-Length is added unless it is set. */
  message(firstLine: string, body: string): string {
    if (!this.#lines.has('content-length')) this.set('Content-Length', String(Buffer.byteLength(body)))
    return `${firstLine}\r\n${[...this.#lines.values()].flat().join('')}\r\n${body}`
  }
}
