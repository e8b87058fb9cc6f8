import { setImmediate as turn } from 'node:timers/promises'
import { SLICE } from '../util/in-slices.ts'
import { isLong } from './long-text.ts'
import { MiCode, type MiError } from './mi-error.ts'
import { nodesOf, type ResultNode, type ResultNodes, resultTree } from './result-tree.ts'

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

type State = 'line' | 'plain' | 'value' | 'quoted' | 'escape'

/**
 * Finds where a request in text form ends, in text that arrives in pieces: at the first empty line outside of quotes. Where a
 * writer was cut off and the request of another one begins, `:name:` at the start of a line or before a `{`, it ends too.
 */
export class TextScanner {
  #state: 'incomplete' | 'complete' | 'invalid' = 'incomplete'
  #at: State = 'line'
  #isFirstLine = true
  #count = 0
  /** Where the last two colons were, when there is but a word between them and behind them. */
  #colon = -1
  #firstColon = -1
  #lineStart = 0

  get state(): 'incomplete' | 'complete' | 'invalid' {
    return this.#state
  }

  /** When invalid: how many characters from the start of the request on belong to the one that was cut off. */
  get cutAt(): number {
    return this.#firstColon
  }

  /** Reads `text` from an offset; gives the offset behind the last character read. */
  feed(text: string, from: number): number {
    let at = from
    while (at < text.length && this.#state === 'incomplete') {
      this.#take(text.charAt(at++))
      this.#count++
    }
    return at
  }

  #take(c: string): void {
    if (this.#at === 'escape') this.#at = 'quoted'
    else if (this.#at === 'quoted') this.#at = c === '"' ? 'plain' : c === '\\' ? 'escape' : 'quoted'
    else if (c === '\n') this.#endLine()
    else {
      if (!this.#isFirstLine) this.#watchFor(c)
      this.#at = this.#next(c)
    }
  }

  #endLine(): void {
    // `:command:reply`, and that was all of the line: the front of another request.
    if (this.#firstColon === this.#lineStart) this.#state = 'invalid'
    else if (this.#at === 'line' && !this.#isFirstLine) this.#state = 'complete'
    else this.#firstColon = -1
    this.#colon = -1
    this.#isFirstLine = false
    this.#at = 'line'
    this.#lineStart = this.#count + 1
  }

  /** Notices `:name:{` anywhere in a line. */
  #watchFor(c: string): void {
    if (c === ':') {
      const hasName = this.#colon >= 0 && this.#count > this.#colon + 1
      this.#firstColon = hasName ? this.#colon : -1
      this.#colon = this.#count
    } else if ((c === '{' || c === '[') && this.#firstColon >= 0 && this.#count === this.#colon + 1) {
      this.#state = 'invalid'
    } else if (!/[\w.-]/.test(c)) {
      this.#colon = -1
      this.#firstColon = -1
    }
  }

  #next(c: string): State {
    if (this.#isFirstLine) return 'plain'
    const isBlank = c === ' ' || c === '\t' || c === '\r'
    if (this.#at === 'line') return isBlank ? 'line' : c === '"' ? 'quoted' : c === ':' ? 'value' : 'plain'
    if (this.#at === 'value') return isBlank ? 'value' : c === '"' ? 'quoted' : c === ':' ? 'value' : 'plain'
    return c === ':' ? 'value' : 'plain'
  }
}

/**
 * The answer to a request in text form: `200 OK`, then a line a node, then an empty line. A long one is made in slices, and
 * the event loop has a turn in between.
 */
export function textAnswer(result: unknown, indent: string): string | Promise<string> {
  const tree = resultTree(result)
  const answer = (lines: string): string => `200 OK\n${lines}\n`
  return isLong(result) ? new LineWriter(indent).write(tree, '').then(answer) : answer(nodeLines(tree, indent))
}

/** A tree as lines, `name:: value attribute=value`, deeper nodes further in. */
export function nodeLines(groups: ResultNodes, indent: string, margin = ''): string {
  let text = ''
  for (const group of groups)
    for (const node of nodesOf(group)) text += lineOf(node, margin) + nodeLines(node.children, indent, margin + indent)
  return text
}

/** The same, so many nodes at a time. */
class LineWriter {
  readonly #indent: string
  #text = ''
  #count = 0

  constructor(indent: string) {
    this.#indent = indent
  }

  async write(groups: ResultNodes, margin: string): Promise<string> {
    for (const group of groups) {
      for (const node of nodesOf(group)) {
        this.#text += lineOf(node, margin)
        if (++this.#count % SLICE === 0) await turn()
        if (node.children.length > 0) await this.write(node.children, margin + this.#indent)
      }
    }
    return this.#text
  }
}

function lineOf({ name, value, attributes }: ResultNode, margin: string): string {
  const pairs = attributes.map(([key, v]) => ` ${key}=${oneLine(v)}`).join('')
  return `${margin}${name === '' ? '' : `${oneLine(name)}:: `}${oneLine(value)}${pairs}\n`
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
