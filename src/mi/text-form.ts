import { MiCode, type MiError } from './mi-error.ts'
import { type ResultNodes, resultTree } from './result-tree.ts'

/**
 * The text form of management requests in 2.x (events reference §5.8):
 *
 *     request  = ":" command ":" [ reply-name ] LF { argument LF } LF
 *     argument = [ name "::" ] ( plain | '"' quoted '"' )
 */
export interface TextRequest {
  readonly command: string
  readonly replyName: string
  /** In order; names are not looked at. Null when an argument cannot be read. */
  readonly args: readonly string[] | null
}

/** What a command is called there, and what a reply may be called. */
const HEAD = /^:([A-Za-z_][\w.-]*):[ \t]*([^\s:"{}[\]]*)[ \t]*\r?(?:\n|$)/

/** Parses one whole request; null when it does not begin as one. */
export function parseTextRequest(text: string): TextRequest | null {
  const head = HEAD.exec(text)
  if (head === null) return null
  const [whole, command = '', replyName = ''] = head
  return { command, replyName, args: readArguments(text.slice(whole.length)) }
}

/** Matches at an offset. Quoted text may go over several lines. */
const QUOTED = /[ \t]*(?:[^\s":]+[ \t]*::[ \t]*)?"((?:[^"\\]|\\[\s\S])*)"[ \t]*\r?(?:\n|$)/y
const PLAIN = /([^\n]*)(?:\n|$)/y

function readArguments(text: string): readonly string[] | null {
  const args: string[] = []
  for (let at = 0; at < text.length; ) {
    QUOTED.lastIndex = at
    const quoted = QUOTED.exec(text)
    if (quoted !== null) {
      args.push((quoted[1] ?? '').replaceAll('\\"', '"'))
      at = QUOTED.lastIndex
      continue
    }
    PLAIN.lastIndex = at
    const line = (PLAIN.exec(text)?.[1] ?? '').trim()
    at = PLAIN.lastIndex
    // An empty line is the end.
    if (line === '') break
    if (line.includes('"')) return null
    args.push(line.slice(valueStart(line)).trim())
  }
  return args
}

/** Where the value begins: behind `name::`. An IPv6 address has no name before its colons. */
function valueStart(line: string): number {
  const colons = line.indexOf('::')
  return colons > 0 && /^[A-Za-z_][\w-]*[ \t]*$/.test(line.slice(0, colons)) ? colons + 2 : 0
}

type State = 'line' | 'colon' | 'plain' | 'value' | 'quoted' | 'escape'

/** Finds where a request in text form ends, in text that arrives in pieces: at the first empty line outside of quotes. */
export class TextScanner {
  #state: 'incomplete' | 'complete' | 'invalid' = 'incomplete'
  #at: State = 'line'
  #isFirstLine = true

  get state(): 'incomplete' | 'complete' | 'invalid' {
    return this.#state
  }

  /** Reads `text` from an offset; gives the offset behind the last character read. */
  feed(text: string, from: number): number {
    let at = from
    while (at < text.length && this.#state === 'incomplete') this.#take(text.charAt(at++))
    return at
  }

  #take(c: string): void {
    if (this.#at === 'escape') this.#at = 'quoted'
    else if (this.#at === 'quoted') this.#at = c === '"' ? 'plain' : c === '\\' ? 'escape' : 'quoted'
    else if (c === '\n') this.#endLine()
    else this.#at = this.#next(c)
  }

  #endLine(): void {
    if (this.#at === 'line' && !this.#isFirstLine) this.#state = 'complete'
    this.#isFirstLine = false
    this.#at = 'line'
  }

  #next(c: string): State {
    const isBlank = c === ' ' || c === '\t' || c === '\r'
    switch (this.#at) {
      case 'line':
        if (this.#isFirstLine) return 'plain'
        if (isBlank) return 'line'
        return c === '"' ? 'quoted' : c === ':' ? 'colon' : 'plain'
      case 'colon':
        // A writer was cut off, and here is the request of the next one.
        if (/[A-Za-z_]/.test(c)) this.#state = 'invalid'
        return c === ':' ? 'value' : 'plain'
      case 'value':
        return isBlank ? 'value' : c === '"' ? 'quoted' : c === ':' ? 'value' : 'plain'
      default:
        return c === ':' ? 'value' : 'plain'
    }
  }
}

/** The answer to a request in text form: `200 OK`, then a line a node, then an empty line. */
export function textAnswer(result: unknown, indent: string): string {
  return `200 OK\n${nodeLines(resultTree(result), indent)}\n`
}

/** A tree as lines, `name:: value attribute=value`, deeper nodes further in. */
export function nodeLines(groups: ResultNodes, indent: string, margin = ''): string {
  let text = ''
  for (const { name, value, attributes, children } of groups.flatMap(({ nodes }) => nodes)) {
    const pairs = attributes.map(([key, v]) => ` ${key}=${oneLine(v)}`).join('')
    text += `${margin}${name === '' ? '' : `${oneLine(name)}:: `}${oneLine(value)}${pairs}\n`
    text += nodeLines(children, indent, margin + indent)
  }
  return text
}

/** A line end in a value would make it two. */
const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ')

/** The words a refusal had in 2.x, as code and reason. */
export function legacyRefusal({ code, message, data }: MiError): { readonly code: number; readonly reason: string } {
  if (code === MiCode.invalidParams)
    return data === undefined || data.startsWith('Too few')
      ? { code: 400, reason: 'Too few or too many arguments' }
      : { code: 400, reason: `Bad parameter: ${data}` }
  if (code > 0) return { code, reason: message }
  return { code: 500, reason: 'Server Internal Error' }
}
