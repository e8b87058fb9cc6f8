import type { CaseNode, ConditionNode, StatementNode, StringNode } from './ast.ts'
import { COMMANDS, CommandParser } from './parse-commands.ts'
import { ExpressionParser, type StatementParser } from './parse-expressions.ts'
import { type Place, span } from './source.ts'
import { isSymbol, SYNTAX_FAULT, type TokenStream } from './token-stream.ts'

/** Kinds of route definition, as written at top level. */
export const ROUTE_WORDS = [
  'route',
  'failure_route',
  'onreply_route',
  'branch_route',
  'error_route',
  'local_route',
  'startup_route',
  'timer_route',
  'event_route',
] as const

/** Whether a definition that cannot stand inside a block starts here: then a `}` is missing before it. */
export function startsDefinition(tokens: TokenStream): boolean {
  const { token } = tokens
  if (token.kind !== 'ident' || !token.startsLine) return false
  if (token.text === 'loadmodule' || (token.text === 'modparam' && isSymbol(tokens.peek(), '('))) return true
  if (!ROUTE_WORDS.some(word => word === token.text)) return false
  return isSymbol(tokens.peek(), '[') || isSymbol(tokens.peek(), '{')
}

/**
 * The statements of one route block (script reference, grammar). A fault is reported and reading goes on with the next
 * statement.
 */
export class BlockParser implements StatementParser {
  readonly #tokens: TokenStream
  readonly #expressions: ExpressionParser
  readonly #commands: CommandParser
  /** How many `while`, `for` and `switch` are open. */
  #breakable = 0

  constructor(tokens: TokenStream) {
    this.#tokens = tokens
    this.#expressions = new ExpressionParser(tokens, this)
    this.#commands = new CommandParser(tokens, this.#expressions)
  }

  /** From `{` to the matching `}`. */
  block(): readonly StatementNode[] {
    const open = this.#tokens.expect('{', 'to open the block')
    const statements = this.#statements(() => this.#tokens.is('}'))
    if (!this.#tokens.accept('}')) {
      const hint = `the block was opened in line ${open.place.line}`
      const at = this.#tokens.isKind('eof') ? 'the end of the file' : `"${this.#tokens.token.text}"`
      this.#tokens.diagnostics.error('E_SYNTAX', this.#tokens.behind(), `expected "}" before ${at}`, hint)
    }
    return statements
  }

  #statements(isEnd: () => boolean): StatementNode[] {
    const tokens = this.#tokens
    const statements: StatementNode[] = []
    while (!isEnd() && !tokens.isKind('eof') && !startsDefinition(tokens)) {
      const before = tokens.position
      try {
        statements.push(...this.#action())
      } catch (fault) {
        if (fault !== SYNTAX_FAULT) throw fault
        this.#recover()
        if (tokens.position === before) tokens.next()
      }
    }
    return statements
  }

  /** Goes behind the next `;` of this block, or to its end. */
  #recover(): void {
    const tokens = this.#tokens
    for (let depth = 0; !tokens.isKind('eof') && !startsDefinition(tokens); tokens.next()) {
      if (tokens.is('{')) depth++
      else if (tokens.is('}')) {
        if (depth === 0) return
        depth--
        if (depth === 0 && !isSymbol(tokens.peek(), 'else')) {
          tokens.next()
          return
        }
      } else if (tokens.is(';') && depth === 0) {
        tokens.next()
        return
      }
    }
  }

  /** One statement with its semicolon; none for a stray semicolon. */
  #action(): readonly StatementNode[] {
    const tokens = this.#tokens
    if (tokens.accept(';')) return []
    if (tokens.is('{')) return this.block()
    const { text, place } = tokens.token
    if (tokens.isKind('ident')) {
      if (text === 'if') return [this.#if()]
      if (text === 'while') return [this.#while()]
      if (text === 'for') return [this.#forEach()]
      if (text === 'switch') return [this.#switch()]
      if (text === 'break' || text === 'esac') return [this.#break()]
      if (text === 'else')
        return tokens.fail('"else" without an "if" before it', place, 'is there a ";" or a "}" too many?')
      if (text === 'case' || text === 'default') return tokens.fail(`"${text}" outside of a switch`)
    }
    const statement = this.statement()
    this.#endStatement()
    return [statement]
  }

  #endStatement(): void {
    const tokens = this.#tokens
    if (tokens.accept(';')) return
    tokens.diagnostics.error('E_SYNTAX', tokens.behind(), 'expected ";" behind the statement')
    if (!tokens.token.startsLine && !tokens.is('}')) throw SYNTAX_FAULT
  }

  /** A call, an assignment or an `if`, without the semicolon. */
  statement(): StatementNode {
    const tokens = this.#tokens
    if (tokens.isKind('variable')) return this.#assignment()
    if (tokens.is('if')) return this.#if()
    if (!tokens.isKind('ident')) return tokens.unexpected('a statement')
    return this.#commands.command()
  }

  #assignment(): StatementNode {
    const tokens = this.#tokens
    const target = this.#expressions.variable()
    const op = this.#expressions.assignmentOperator()
    if (op === undefined) return tokens.unexpected(`"=" behind ${target.text}`)
    tokens.next()
    if ((op === '=' || op === ':=') && tokens.isKind('ident') && isSymbol(tokens.peek(), '(')) {
      const statement = this.#commands.command()
      return { type: 'keep', target, op, statement, place: span(target.place, statement.place) }
    }
    const value = this.#expressions.value()
    if (value.type === 'null' && op !== '=' && op !== ':=')
      return tokens.fail('NULL is assigned by = or :=', value.place)
    return { type: 'assign', target, op, value, place: span(target.place, value.place) }
  }

  #break(): StatementNode {
    const { place, text } = this.#tokens.next()
    if (this.#breakable === 0)
      this.#tokens.diagnostics.error('E_SYNTAX', place, `"${text}" outside of a while, for or switch`)
    this.#endStatement()
    return { type: 'break', place }
  }

  #if(): StatementNode {
    const { place } = this.#tokens.next()
    const condition = this.#parenthesised()
    const then = this.#body()
    const otherwise = this.#tokens.accept('else') ? this.#body() : undefined
    return { type: 'if', condition, then, otherwise, place: span(place, condition.place) }
  }

  #while(): StatementNode {
    const { place } = this.#tokens.next()
    const condition = this.#parenthesised()
    return { type: 'while', condition, body: this.#loopBody(), place: span(place, condition.place) }
  }

  #forEach(): StatementNode {
    const tokens = this.#tokens
    const { place } = tokens.next()
    tokens.expect('(', 'behind "for"')
    const iterator = this.#expressions.variable()
    tokens.expect('in', 'behind the loop variable')
    const source = this.#expressions.variable()
    tokens.expect(')', 'to close the parenthesis')
    return { type: 'foreach', iterator, source, body: this.#loopBody(), place: span(place, source.place) }
  }

  #switch(): StatementNode {
    const tokens = this.#tokens
    const { place } = tokens.next()
    tokens.expect('(', 'behind "switch"')
    const subject = this.#expressions.variable()
    tokens.expect(')', 'to close the parenthesis')
    const open = tokens.expect('{', 'to open the switch')
    const cases: CaseNode[] = []
    this.#breakable++
    while (tokens.isAny('case', 'default')) cases.push(this.#case(cases))
    this.#breakable--
    if (!tokens.accept('}'))
      tokens.unexpected('"case", "default" or "}"', `the switch was opened in line ${open.place.line}`)
    return { type: 'switch', subject, cases, place: span(place, subject.place) }
  }

  #case(before: readonly CaseNode[]): CaseNode {
    const tokens = this.#tokens
    const { place, text } = tokens.next()
    if (before.some(earlier => earlier.value === undefined))
      tokens.diagnostics.error('E_SYNTAX', place, `"${text}" behind "default"`, '"default" is the last of a switch')
    const value = text === 'default' ? undefined : this.#caseValue()
    tokens.expect(':', `behind "${text}"`)
    return { value, body: this.#statements(() => tokens.isAny('case', 'default', '}')), place }
  }

  #caseValue(): NonNullable<CaseNode['value']> {
    const tokens = this.#tokens
    if (!tokens.isKind('string')) return this.#expressions.number()
    const { text, place } = tokens.next()
    const value: StringNode = { type: 'string', value: text, place }
    return value
  }

  /** A condition in parentheses. A fault in it leaves the body to be read. */
  #parenthesised(): ConditionNode {
    const tokens = this.#tokens
    tokens.expect('(', `behind "${tokens.previous.text}"`)
    const start = tokens.token.place
    try {
      const condition = this.#expressions.condition()
      tokens.expect(')', 'to close the condition')
      return condition
    } catch (fault) {
      if (fault !== SYNTAX_FAULT || !this.#skipCondition()) throw fault
      return falseAt(start)
    }
  }

  /** Goes to where a body can start; gives false when the statement ends before. */
  #skipCondition(): boolean {
    const tokens = this.#tokens
    for (let depth = 1; !tokens.isKind('eof'); tokens.next()) {
      if (tokens.is('{')) return true
      if (tokens.is(';') || tokens.is('}')) return false
      if (tokens.is('(')) depth++
      else if (tokens.is(')') && --depth === 0) {
        tokens.next()
        return true
      }
    }
    return false
  }

  #loopBody(): readonly StatementNode[] {
    this.#breakable++
    try {
      return this.#body()
    } finally {
      this.#breakable--
    }
  }

  /** A block or one statement; a semicolon alone is an empty body. */
  #body(): readonly StatementNode[] {
    return this.#tokens.is('{') ? this.block() : this.#action()
  }
}

const falseAt = (place: Place): ConditionNode => ({ type: 'test', value: { type: 'number', value: 0, place }, place })

/** Words that start a statement, for suggestions. */
export const STATEMENT_WORDS: readonly string[] = ['if', 'while', 'for', 'switch', 'break', 'else', ...COMMANDS]
