import { LogLevel } from '../log/log.ts'
import type { ArgNode, CallNode, LogNode, NumberNode, StatementNode, StringNode, VariableNode } from './ast.ts'
import type { ExpressionParser } from './parse-expressions.ts'
import { span } from './source.ts'
import { isSymbol, type TokenStream } from './token-stream.ts'

/** Statements that are part of the language; every other name is a function. */
export const COMMANDS = [
  'drop',
  'exit',
  'return',
  'assert',
  'log',
  'error',
  'route',
  'xlog',
  'xdbg',
  'async',
  'launch',
] as const

/** Functions that 2.x let be called without parentheses. */
const BARE_CALLS: ReadonlySet<string> = new Set([
  'append_branch',
  'force_rport',
  'add_rport',
  'revert_uri',
  'resetdsturi',
  'isdsturiset',
  'force_tcp_alias',
])
/** Most arguments of a call (script reference, grammar). */
const MAX_ARGS = 9

/** Level of a name such as `L_WARN`: only its third character counts. */
const LEVEL_LETTERS: Readonly<Record<string, number>> = {
  A: LogLevel.alert,
  C: LogLevel.crit,
  E: LogLevel.error,
  W: LogLevel.warn,
  N: LogLevel.notice,
  I: LogLevel.info,
  D: LogLevel.debug,
}

/** Calls of functions and the commands of the language. The semicolon is the caller's. */
export class CommandParser {
  readonly #tokens: TokenStream
  readonly #expressions: ExpressionParser

  constructor(tokens: TokenStream, expressions: ExpressionParser) {
    this.#tokens = tokens
    this.#expressions = expressions
  }

  command(): StatementNode {
    switch (this.#tokens.token.text) {
      case 'exit':
      case 'drop':
        return this.#plain()
      case 'return':
        return this.#return()
      case 'assert':
        return this.#assert()
      case 'log':
      case 'error':
      case 'xlog':
      case 'xdbg':
        return this.#log()
      case 'route':
        return this.#route()
      case 'async':
        return this.#async()
      case 'launch':
        return this.#launch()
      default:
        return this.call()
    }
  }

  /** `name(args)`. */
  call(): CallNode {
    const tokens = this.#tokens
    if (!tokens.isKind('ident')) return tokens.unexpected('the name of a function')
    const { text: name, place } = tokens.next()
    if (!tokens.is('(')) {
      if (BARE_CALLS.has(name)) return { type: 'call', name, args: [], place }
      const hint = `a function is called with parentheses: ${name}()`
      return tokens.unexpected(`"(" behind ${name}`, hint)
    }
    const args = this.#args()
    if (args.length > MAX_ARGS)
      tokens.diagnostics.error('E_ARGUMENT', place, `${name}() has ${args.length} arguments: the most is ${MAX_ARGS}`)
    return { type: 'call', name, args, place: span(place, tokens.previous.place) }
  }

  /** From `(` to `)`. Nothing between two commas is an argument left out. */
  #args(): (ArgNode | undefined)[] {
    const tokens = this.#tokens
    tokens.expect('(', 'to open the arguments')
    if (tokens.accept(')')) return []
    const args: (ArgNode | undefined)[] = []
    do args.push(tokens.isAny(',', ')') ? undefined : this.#arg())
    while (tokens.accept(','))
    tokens.expect(')', 'to close the arguments')
    return args
  }

  #arg(): ArgNode {
    const tokens = this.#tokens
    const { kind, place } = tokens.token
    if (kind === 'string') return { type: 'string', value: tokens.next().text, place }
    if (kind === 'variable') return this.#expressions.variable()
    if (tokens.isAny('NULL', 'null')) return { type: 'null', place: tokens.next().place }
    if (tokens.isAny('-', '+') || (kind === 'number' && !this.#isGlued())) return this.#expressions.number()
    return this.#word()
  }

  /** Whether the token behind the current one belongs to the same word, as in `1.2.3.4:5060`. */
  #isGlued(): boolean {
    const { place } = this.#tokens.token
    const following = this.#tokens.peek()
    return (
      following.place.offset === place.offset + place.length && !isSymbol(following, ',') && !isSymbol(following, ')')
    )
  }

  /** A flag name or socket without quotes, as 2.x wrote them. */
  #word(): StringNode {
    const tokens = this.#tokens
    const start = tokens.token.place
    let text = ''
    while (!tokens.isAny(',', ')', '(', ';', '{', '}') && !tokens.isKind('eof', 'string', 'variable')) {
      if (text !== '' && !tokens.isAdjacent) break
      text += tokens.next().text
    }
    if (text === '' || !/^[\w.:[\]*-]+$/.test(text))
      return tokens.fail('expected an argument: a number, a "text" or a $variable', start)
    const place = span(start, tokens.previous.place)
    tokens.diagnostics.notice('bare word', place, `the argument ${text} has no quotes`, `write "${text}"`)
    return { type: 'string', value: text, place }
  }

  #plain(): StatementNode {
    const { text, place } = this.#tokens.next()
    if (this.#tokens.accept('(')) this.#tokens.expect(')', `behind "${text}("`)
    return { type: text === 'exit' ? 'exit' : 'drop', place }
  }

  #return(): StatementNode {
    const tokens = this.#tokens
    const { place } = tokens.next()
    if (!tokens.is('(')) {
      const code = tokens.isAny(';', ')', '}') ? undefined : this.#code()
      return { type: 'return', code, extra: [], place }
    }
    tokens.next()
    const code = tokens.isAny(')', ',') ? undefined : this.#code()
    const extra: ArgNode[] = []
    while (tokens.accept(',')) extra.push(this.#arg())
    tokens.expect(')', 'to close "return("')
    return { type: 'return', code, extra, place: span(place, tokens.previous.place) }
  }

  #code(): NumberNode | VariableNode {
    return this.#tokens.isKind('variable') ? this.#expressions.variable() : this.#expressions.number()
  }

  #assert(): StatementNode {
    const tokens = this.#tokens
    const { place } = tokens.next()
    tokens.expect('(', 'behind "assert"')
    const condition = this.#expressions.condition()
    const info = tokens.accept(',') ? this.#string('the text of the assertion').value : ''
    tokens.expect(')', 'to close "assert("')
    return { type: 'assert', condition, info, place }
  }

  #log(): StatementNode {
    const tokens = this.#tokens
    const { text: name, place } = tokens.next()
    tokens.expect('(', `behind "${name}"`)
    const level = this.#level(name)
    const text = name === 'error' ? this.#errorText() : this.#foldedText()
    tokens.expect(')', `to close "${name}("`)
    const node: LogNode = { type: 'log', level, text, raw: name === 'log' || name === 'error', place }
    return node
  }

  #level(name: string): NumberNode | VariableNode | undefined {
    const tokens = this.#tokens
    const { place } = tokens.token
    if (name === 'xdbg') return { type: 'number', value: LogLevel.debug, place }
    if (name === 'error') return { type: 'number', value: LogLevel.error, place }
    if (tokens.isKind('number') || tokens.isAny('-', '+')) {
      const level = this.#expressions.number()
      tokens.expect(',', 'behind the level')
      return level
    }
    if (!isSymbol(tokens.peek(), ',')) return undefined
    const token = tokens.next()
    tokens.next()
    if (token.kind === 'variable' || (token.kind === 'string' && token.text.startsWith('$')))
      return { type: 'variable', text: token.text, place }
    const value = LEVEL_LETTERS[token.text[2] ?? '']
    if (value !== undefined && /^L_/.test(token.text)) return { type: 'number', value, place }
    return tokens.fail('expected L_ALERT, L_CRIT, L_ERR, L_WARN, L_NOTICE, L_INFO or L_DBG', place)
  }

  /** Adjacent strings make one text. */
  #foldedText(): StringNode {
    const tokens = this.#tokens
    if (tokens.isKind('variable')) {
      const { text, place } = tokens.next()
      return { type: 'string', value: text, place }
    }
    const first = this.#string('a text')
    let { value } = first
    while (tokens.isKind('string')) value += tokens.next().text
    return { type: 'string', value, place: span(first.place, tokens.previous.place) }
  }

  #errorText(): StringNode {
    const first = this.#string('a text')
    this.#tokens.expect(',', 'behind the first text')
    const second = this.#string('a text')
    return { type: 'string', value: `${first.value}: ${second.value}`, place: first.place }
  }

  #string(what: string): StringNode {
    if (!this.#tokens.isKind('string')) return this.#tokens.unexpected(what)
    const { text, place } = this.#tokens.next()
    return { type: 'string', value: text, place }
  }

  /** Name of a route where it is used: a word, a number, a text or a variable. */
  #routeName(): StringNode | VariableNode {
    const tokens = this.#tokens
    if (tokens.isKind('variable')) return this.#expressions.variable()
    if (!tokens.isKind('ident', 'number', 'string')) return tokens.unexpected('the name of a route')
    const { text, place } = tokens.next()
    return { type: 'string', value: text, place }
  }

  #route(): StatementNode {
    const tokens = this.#tokens
    const { place } = tokens.next()
    tokens.expect('(', 'behind "route"')
    const name = this.#routeName()
    const args: ArgNode[] = []
    while (tokens.accept(',')) args.push(this.#arg())
    tokens.expect(')', 'to close "route("')
    return { type: 'route', name, args, place: span(place, tokens.previous.place) }
  }

  #async(): StatementNode {
    const tokens = this.#tokens
    const { place } = tokens.next()
    tokens.expect('(', 'behind "async"')
    const call = this.call()
    tokens.expect(',', 'behind the call: async() takes the route to resume with')
    const resume = this.#fixedRouteName()
    const timeoutS = tokens.accept(',') ? this.#timeout() : undefined
    tokens.expect(')', 'to close "async("')
    return { type: 'async', call, resume, timeoutS, place: span(place, tokens.previous.place) }
  }

  /** Whole seconds; 2.x may have them in quotes. */
  #timeout(): number {
    const tokens = this.#tokens
    if (tokens.isKind('string') && /^\d+$/.test(tokens.token.text)) return Number(tokens.next().text)
    return this.#expressions.number().value
  }

  #launch(): StatementNode {
    const tokens = this.#tokens
    const { place } = tokens.next()
    tokens.expect('(', 'behind "launch"')
    const call = this.call()
    const report = tokens.accept(',') ? this.#fixedRouteName() : undefined
    const param = report !== undefined && tokens.accept(',') ? this.#foldedText() : undefined
    tokens.expect(')', 'to close "launch("')
    return { type: 'launch', call, report, param, place: span(place, tokens.previous.place) }
  }

  #fixedRouteName(): StringNode {
    const name = this.#routeName()
    if (name.type === 'string') return name
    return this.#tokens.fail('the route to resume with must be named outright', name.place)
  }
}
