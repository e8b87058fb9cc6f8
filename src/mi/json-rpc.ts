import { JsonScanner } from './json-scan.ts'
import { isLong, longText } from './long-text.ts'
import type { MiError } from './mi-error.ts'

/** Requests one batch may hold; each costs an answer, so a body of a few megabytes could ask for gigabytes. */
export const MAX_BATCH = 1000

/** The id of a request, as answered: an integer, text or null. */
export type RequestId = number | string | null

export interface CallRequest {
  readonly kind: 'call'
  readonly method: string
  readonly params: unknown
  /** Undefined: a notification, which is not answered. */
  readonly id: RequestId | undefined
}

/** What an element of the input asks for. */
export type Request = CallRequest | { readonly kind: 'invalid'; readonly id: RequestId }

export type ParsedJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false }

/** Parses JSON text; what follows the first object or array is ignored, as the reference does. */
export function parseJson(text: string): ParsedJson {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return parseFirst(text)
  }
}

function parseFirst(text: string): ParsedJson {
  const scanner = new JsonScanner()
  const end = scanner.feed(text, 0)
  if (scanner.state !== 'complete') return { ok: false }
  try {
    return { ok: true, value: JSON.parse(text.slice(0, end)) }
  } catch {
    return { ok: false }
  }
}

/**
 * Reads one request object (JSON-RPC 2.0 §4; events reference §5.1). Member names match in any case. A number as id
 * loses its fraction; an id of another type makes the request invalid and is answered as null.
 */
export function readRequest(value: unknown): Request {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'invalid', id: null }
  const id = readId(value)
  const method = member(value, 'method')
  const params = member(value, 'params')
  const fine = member(value, 'jsonrpc') === '2.0' && typeof method === 'string' && id !== INVALID_ID
  if (!fine || (params !== undefined && !isStructured(params))) {
    return { kind: 'invalid', id: id === INVALID_ID ? null : (id ?? null) }
  }
  return { kind: 'call', method, params, id }
}

const INVALID_ID = Symbol('invalid id')

function readId(request: object): RequestId | undefined | typeof INVALID_ID {
  const id = member(request, 'id')
  if (id === undefined || id === null || typeof id === 'string') return id
  return typeof id === 'number' ? Math.trunc(id) : INVALID_ID
}

const isStructured = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A member by its exact name, else by the first that differs in case only. */
function member(object: object, name: string): unknown {
  const entries = object as Readonly<Record<string, unknown>>
  if (Object.hasOwn(entries, name)) return entries[name]
  for (const key of Object.keys(entries)) {
    if (key.length === name.length && key.toLowerCase() === name) return entries[key]
  }
  return undefined
}

export interface AnswerStyle {
  /** One member a line, indented by tabs. */
  readonly pretty?: boolean
}

/** What a request came to. */
export type Outcome = { readonly result: unknown } | { readonly error: MiError }

/**
 * Answer text of one request, members in the order jsonrpc, result or error, id (JSON-RPC 2.0 §5).
 * Throws TypeError or RangeError when a result is no JSON: cyclic, too deep, or holding a bigint.
 */
export function answerText(outcome: Outcome, id: RequestId, style: AnswerStyle = {}): string {
  const answer = answerOf(outcome, id)
  // V8 has a faster writer for values that are not to be indented.
  return style.pretty ? JSON.stringify(answer, null, '\t') : JSON.stringify(answer)
}

/** The same; a long result is written in slices, so that others have their turn meanwhile. */
export function slicedAnswerText(outcome: Outcome, id: RequestId, style: AnswerStyle): string | Promise<string> {
  if ('error' in outcome || !isLong(outcome.result)) return answerText(outcome, id, style)
  return longText(answerOf(outcome, id), style.pretty === true)
}

function answerOf(outcome: Outcome, id: RequestId): object {
  return 'error' in outcome
    ? { jsonrpc: '2.0', error: errorMember(outcome.error), id }
    : { jsonrpc: '2.0', result: outcome.result, id }
}

/** Joins the answers of a batch. */
export function batchText(answers: readonly string[], style: AnswerStyle = {}): string {
  return style.pretty ? `[${answers.join(',\n')}]` : `[${answers.join(',')}]`
}

function errorMember({ code, message, data }: MiError): object {
  return data === undefined ? { code, message } : { code, message, data }
}
