import type {
  ArithmeticOperator,
  AssignmentOperator,
  CompareNode,
  ComparisonOperator,
  ConditionNode,
  StatementNode,
  ValueNode,
  VariableNode,
} from './ast.ts'
import { parseLegacyCondition, startsLegacyCondition } from './legacy-conditions.ts'
import { span } from './source.ts'
import type { TokenStream } from './token-stream.ts'

/** Reads one statement of a condition: set by the statement parser, since each contains the other. */
export interface StatementParser {
  /** A call, `if`, or assignment, without the semicolon behind it. */
  statement(tokens: TokenStream): StatementNode
  /** From `{` to `}`. */
  block(tokens: TokenStream): readonly StatementNode[]
}

const COMPARISONS: readonly ComparisonOperator[] = ['==', '!=', '<', '>', '<=', '>=', '=~', '!~']
const ASSIGNMENTS: readonly AssignmentOperator[] = ['=', ':=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=']
const ADDITIVE: readonly ArithmeticOperator[] = ['+', '-', '*', '/', '%']
const BITWISE: readonly ArithmeticOperator[] = ['|', '&', '^', '<<', '>>']

/** Conditions and values (script reference, grammar and precedence). */
export class ExpressionParser {
  readonly #statements: StatementParser
  readonly #tokens: TokenStream

  constructor(tokens: TokenStream, statements: StatementParser) {
    this.#tokens = tokens
    this.#statements = statements
  }

  /** `&&` and `||` share one level and bind from the left: `a || b && c` is `(a || b) && c`. */
  condition(): ConditionNode {
    let left = this.#negation()
    for (;;) {
      const type = this.#logicOperator()
      if (type === undefined) return left
      this.#tokens.next()
      const right = this.#negation()
      left = { type, left, right, place: span(left.place, right.place) }
    }
  }

  #logicOperator(): 'and' | 'or' | undefined {
    if (this.#tokens.isAny('&&', 'and')) return 'and'
    return this.#tokens.isAny('||', 'or') ? 'or' : undefined
  }

  /** `!$rm == "X"` negates the comparison, which is one element. */
  #negation(): ConditionNode {
    if (!this.#tokens.isAny('!', 'not')) return this.#element()
    const { place } = this.#tokens.next()
    const operand = this.#negation()
    return { type: 'not', operand, place: span(place, operand.place) }
  }

  #element(): ConditionNode {
    const tokens = this.#tokens
    const { place } = tokens.token
    if (tokens.accept('(')) {
      const inner = this.condition()
      tokens.expect(')', 'to close the parenthesis')
      return inner
    }
    if (tokens.accept('[')) {
      const value = this.value()
      tokens.expect(']', 'to close the bracket')
      return { type: 'test', value, place }
    }
    if (tokens.is('{')) return { type: 'run', body: this.#statements.block(tokens), place }
    if (tokens.isKind('variable')) return this.#variableElement()
    if (tokens.isKind('number') || tokens.isAny('-', '+')) return { type: 'test', value: this.#number(), place }
    if (startsLegacyCondition(tokens)) return parseLegacyCondition(tokens)
    if (tokens.isKind('ident')) {
      const statement = this.#statements.statement(tokens)
      return { type: 'run', body: [statement], place: statement.place }
    }
    return tokens.unexpected('a condition')
  }

  #variableElement(): ConditionNode {
    const tokens = this.#tokens
    const following = tokens.peek()
    if (following.kind === 'punct' && ASSIGNMENTS.some(op => op === following.text)) {
      const statement = this.#statements.statement(tokens)
      return { type: 'run', body: [statement], place: statement.place }
    }
    const left = this.variable()
    return this.#comparison(left) ?? { type: 'test', value: left, place: left.place }
  }

  #comparison(left: VariableNode): ConditionNode | undefined {
    const op = COMPARISONS.find(operator => this.#tokens.is(operator))
    if (op === undefined) return undefined
    this.#tokens.next()
    const right = this.#comparand(op)
    return { type: 'compare', op, left, right, place: span(left.place, right.place) }
  }

  #comparand(op: ComparisonOperator): CompareNode['right'] {
    const tokens = this.#tokens
    const { kind, place } = tokens.token
    const isEquality = op === '==' || op === '!='
    if (kind === 'string') return { type: 'string', value: tokens.next().text, place }
    if (kind === 'variable') return this.variable()
    if (kind === 'number' || tokens.isAny('-', '+')) {
      if (op === '=~' || op === '!~') return tokens.fail(`${op} takes a regular expression in quotes, or a variable`)
      return this.#number()
    }
    if (tokens.isAny('NULL', 'null')) {
      if (!isEquality) return tokens.fail('NULL is compared by == or !=')
      return { type: 'null', place: tokens.next().place }
    }
    if (kind === 'ip' || kind === 'ipnet') {
      if (!isEquality) return tokens.fail('an address is compared by == or !=')
      return { type: 'network', text: tokens.next().text, place }
    }
    const hint = kind === 'ident' ? `write "${tokens.token.text}" in quotes to compare with text` : undefined
    return tokens.unexpected('a value to compare with', hint)
  }

  variable(): VariableNode {
    if (!this.#tokens.isKind('variable')) return this.#tokens.unexpected('a variable')
    const { text, place } = this.#tokens.next()
    return { type: 'variable', text, place }
  }

  /** `|`, `&`, `^` and shifts bind weakest; then `+ - * / %` on one level, from the left: `1+2*3` is 9. */
  value(): ValueNode {
    return this.#binary(BITWISE, () => this.#binary(ADDITIVE, () => this.#unary()))
  }

  #binary(operators: readonly ArithmeticOperator[], operand: () => ValueNode): ValueNode {
    let left = operand()
    for (;;) {
      const op = operators.find(operator => this.#tokens.is(operator))
      if (op === undefined) return left
      this.#tokens.next()
      const right = operand()
      left = { type: 'binary', op, left, right, place: span(left.place, right.place) }
    }
  }

  #unary(): ValueNode {
    const tokens = this.#tokens
    const { kind, place } = tokens.token
    if (tokens.accept('~')) {
      const operand = this.#unary()
      return { type: 'complement', operand, place: span(place, operand.place) }
    }
    if (tokens.accept('(')) {
      const inner = this.value()
      tokens.expect(')', 'to close the parenthesis')
      return inner
    }
    if (kind === 'string') return { type: 'string', value: tokens.next().text, place }
    if (kind === 'number' || tokens.isAny('-', '+')) return this.#number()
    if (tokens.isAny('NULL', 'null')) return { type: 'null', place: tokens.next().place }
    if (kind === 'variable') return this.#comparedVariable()
    if (kind === 'ident' && tokens.peek().text === '(')
      return tokens.fail(
        `the result of ${tokens.token.text}() cannot be part of a calculation`,
        place,
        'assign it to a variable of its own first',
      )
    return tokens.unexpected('a value')
  }

  #comparedVariable(): ValueNode {
    const left = this.variable()
    const condition = this.#comparison(left)
    return condition === undefined ? left : { type: 'truth', condition, place: condition.place }
  }

  /** A number with an optional sign. */
  #number(): ValueNode & { type: 'number' } {
    const tokens = this.#tokens
    const { place } = tokens.token
    const sign = tokens.accept('-') ? -1 : 1
    if (sign === 1) tokens.accept('+')
    if (!tokens.isKind('number')) return tokens.unexpected('a number')
    const token = tokens.next()
    return { type: 'number', value: (sign * token.value) | 0, place: span(place, token.place) }
  }

  number(): ValueNode & { type: 'number' } {
    return this.#number()
  }

  assignmentOperator(): AssignmentOperator | undefined {
    return ASSIGNMENTS.find(operator => this.#tokens.is(operator))
  }
}
