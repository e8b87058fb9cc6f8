import type { CompareNode, ComparisonOperator, ConditionNode, RunNode, VariableNode } from './ast.ts'
import { didYouMean } from './nearest.ts'
import { type Place, span } from './source.ts'
import type { TokenStream } from './token-stream.ts'

/** Names that stood for parts of the message in conditions up to 2.2 → the variables of today. */
const SUBJECTS: Readonly<Record<string, string>> = {
  method: '$rm',
  uri: '$ru',
  from_uri: '$fu',
  to_uri: '$tu',
  status: '$rs',
  retcode: '$rc',
  af: '$af',
  proto: '$pr',
  src_ip: '$si',
  dst_ip: '$Ri',
  src_port: '$sp',
  dst_port: '$Rp',
}
/** What `== myself` asks is_myself() for. */
const MYSELF_ARGS: Readonly<Record<string, readonly string[]>> = {
  uri: ['$rd', '$rp'],
  from_uri: ['$fd'],
  to_uri: ['$td'],
  src_ip: ['$si'],
  dst_ip: ['$Ri'],
}
const OPERATORS: ReadonlySet<string> = new Set<ComparisonOperator>(['==', '!=', '<', '>', '<=', '>=', '=~', '!~'])
/** `max_len`: the size of the receive buffer. */
const MAX_LENGTH = 65535

/** Whether a condition of the old style starts at the current token: `method ==`, `msg:len >`. */
export function startsLegacyCondition(tokens: TokenStream): boolean {
  if (!tokens.isKind('ident')) return false
  if (tokens.is('msg')) return tokens.peek().text === ':' && tokens.peek(2).text === 'len'
  return OPERATORS.has(tokens.peek().text) && tokens.peek().kind === 'punct'
}

/** Reads a condition of the old style and gives what it means today (script reference, grammar, notes). */
export function parseLegacyCondition(tokens: TokenStream): ConditionNode {
  const start = tokens.next()
  const isLength = start.text === 'msg'
  if (isLength) {
    tokens.next()
    tokens.next()
  }
  const variable = isLength ? '$ml' : Object.hasOwn(SUBJECTS, start.text) ? SUBJECTS[start.text] : undefined
  if (variable === undefined) {
    const hint =
      didYouMean(start.text, Object.keys(SUBJECTS)) ?? 'a comparison has a variable on its left side, such as $rm'
    return tokens.fail(`"${start.text}" cannot be compared`, start.place, hint)
  }
  const written = isLength ? 'msg:len' : start.text
  tokens.diagnostics.notice(`condition ${written}`, start.place, `"${written}" is the former spelling of ${variable}`)
  const operator = tokens.next()
  const op = operator.text as ComparisonOperator
  const left: VariableNode = { type: 'variable', text: variable, place: start.place }
  if (tokens.is('myself')) return myself(tokens, start.text, op, start.place)
  const right = operand(tokens)
  return { type: 'compare', op, left, right, place: span(start.place, right.place) }
}

function operand(tokens: TokenStream): CompareNode['right'] {
  const token = tokens.token
  const { place } = token
  if (token.kind === 'string') return { type: 'string', value: tokens.next().text, place }
  if (token.kind === 'variable') return { type: 'variable', text: tokens.next().text, place }
  if (token.kind === 'number') return { type: 'number', value: tokens.next().value, place }
  if (tokens.is('-') && tokens.peek().kind === 'number') {
    tokens.next()
    const number = tokens.next()
    return { type: 'number', value: -number.value, place: span(place, number.place) }
  }
  if (token.kind === 'ip' || token.kind === 'ipnet') return { type: 'network', text: tokens.next().text, place }
  if (tokens.accept('max_len')) return { type: 'number', value: MAX_LENGTH, place }
  // UDP, TCP, INET6: text compares without regard to case.
  if (token.kind === 'ident') return { type: 'string', value: tokens.next().text, place }
  return tokens.unexpected('a value to compare with')
}

function myself(tokens: TokenStream, subject: string, op: ComparisonOperator, start: Place): ConditionNode {
  const args = MYSELF_ARGS[subject]
  const end = tokens.next().place
  const place = span(start, end)
  if (args === undefined || (op !== '==' && op !== '!='))
    return tokens.fail('"myself" is compared with uri, from_uri, to_uri, src_ip or dst_ip, by == or !=', place)
  const call: RunNode = {
    type: 'run',
    body: [{ type: 'call', name: 'is_myself', args: args.map(value => ({ type: 'string', value, place })), place }],
    place,
  }
  return op === '==' ? call : { type: 'not', operand: call, place }
}
