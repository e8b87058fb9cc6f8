import { BRANCH_COOKIE } from './branch-cookie.ts'
import { codeAt, HOST, isBlank, isClass, quotedEnd, skipBlanks, TOKEN, trimBlanks } from './chars.ts'
import type { HeaderElement } from './elements.ts'
import { endOfName, endOfValue, Params, unquote } from './params.ts'
import { endOfDigits, endOfHost, parsePort } from './uri-parse.ts'

/** Takes characters, as texts or as bytes of US-ASCII, which are the same to it. */
export interface CharacterSink {
  /** Where it ends counts. */
  text(text: string): void
  bytes(bytes: Uint8Array, start: number, end: number): void
  /** In any case of US-ASCII. */
  folded(text: string): void
  foldedBytes(bytes: Uint8Array, start: number, end: number): void
}

/** One Via value (RFC 3261 §20.42, RFC 3581). */
export interface Via {
  /** `SIP`, as written. */
  readonly protocol: string
  /** `2.0`, as written. */
  readonly version: string
  /** Upper case, whatever case it came in. */
  readonly transport: string
  /** Host of sent-by as written; IPv6 in brackets. */
  readonly host: string
  /** 0 when absent. */
  readonly port: number
  readonly params: Params
  /** What stands in parentheses at the end, without them (RFC 2543); '' when absent. */
  readonly comment: string
  /** Whether a parameter is empty, without a name, or has a quoted value that does not end. */
  readonly isMalformed: boolean
  /** '' when absent. */
  readonly branch: string
  /** Whether the branch was made under RFC 3261's rules (§17.2.3). */
  readonly hasCookie: boolean
  /** '' when absent. */
  readonly received: string
  /** null: no rport parameter; 0: one without value. */
  readonly rport: number | null
  /** Where the value stands: byte offsets in the message it is from, or character offsets in the text given. */
  readonly start: number
  readonly end: number
  /** Index of the header it stands in; −1 when parsed from text. */
  readonly header: number
  /** Hands host and branch on without making texts of them. */
  hostTo(sink: CharacterSink): void
  branchTo(sink: CharacterSink): void
}

/**
 * One Via value, unfolded:
 * `protocol / version / transport LWS host [: port] *( ; param ) [ (comment) ]`, blanks allowed around each mark.
 * Null when protocol, transport or sent-by cannot be read. `place` is where the text stands in a message.
 */
export function parseVia(text: string, place?: HeaderElement): Via | null {
  const end = trimBlanks(text, 0, text.length)
  const start = skipBlanks(text, 0, end)
  const protocolEnd = endOfToken(text, start, end)
  const versionStart = afterMark(text, protocolEnd, end, 47)
  const versionEnd = endOfToken(text, versionStart, end)
  const transportStart = versionStart < 0 ? -1 : afterMark(text, versionEnd, end, 47)
  const transportEnd = endOfToken(text, transportStart, end)
  if (transportStart < 0 || transportEnd === transportStart || !isBlank(codeAt(text, transportEnd))) return null
  if (protocolEnd === start || versionEnd === versionStart) return null
  const sentBy = readSentBy(text, skipBlanks(text, transportEnd, end), end)
  if (sentBy === null) return null
  const commentStart = findComment(text, sentBy.end, end)
  const params = Params.parse(text.slice(sentBy.end, trimBlanks(text, sentBy.end, commentStart)))
  if (params.text !== '' && codeAt(params.text, 0) !== 59) return null
  readParams(params.text)
  const { host, port } = sentBy
  const branch = found.branch ?? ''
  return {
    protocol: text.slice(start, protocolEnd),
    version: text.slice(versionStart, versionEnd),
    transport: text.slice(transportStart, transportEnd).toUpperCase(),
    host,
    port,
    params,
    comment: text.slice(commentStart + 1, codeAt(text, end - 1) === 41 ? end - 1 : end),
    isMalformed: params.malformed,
    branch,
    hasCookie: branch.length > BRANCH_COOKIE.length && branch.startsWith(BRANCH_COOKIE),
    received: found.received ?? '',
    rport: found.rport === null ? null : readRport(found.rport),
    start: place === undefined ? start : place.start,
    end: place === undefined ? end : place.end,
    header: place === undefined ? -1 : place.header,
    hostTo: sink => sink.folded(host),
    branchTo: sink => sink.text(branch),
  }
}

function endOfToken(text: string, from: number, end: number): number {
  if (from < 0) return -1
  while (from < end && isClass(codeAt(text, from), TOKEN)) from++
  return from
}

/** Index of what follows the mark, blanks around it skipped; −1 when it does not stand there. */
function afterMark(text: string, from: number, end: number, mark: number): number {
  if (from < 0) return -1
  const at = skipBlanks(text, from, end)
  return at < end && codeAt(text, at) === mark ? skipBlanks(text, at + 1, end) : -1
}

function readSentBy(text: string, start: number, end: number): { host: string; port: number; end: number } | null {
  const hostEnd = endOfHost(text, start)
  if (hostEnd === start || hostEnd > end) return null
  const host = text.slice(start, hostEnd)
  const portStart = afterMark(text, hostEnd, end, 58)
  if (portStart < 0) return { host, port: 0, end: skipBlanks(text, hostEnd, end) }
  const portEnd = endOfDigits(text, portStart)
  const port = parsePort(text, portStart, portEnd)
  if (port < 0 || isClass(codeAt(text, portEnd), HOST)) return null
  return { host, port, end: skipBlanks(text, portEnd, end) }
}

/** Where the comment opens, outside of quotes; `end` when there is none. */
function findComment(text: string, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    const code = codeAt(text, i)
    if (code === 40) return i
    if (code === 34) {
      const close = quotedEnd(text, i, end)
      if (close < 0) return end
      i = close - 1
    }
  }
  return end
}

/** What {@link readParams} found last; null where there is no such parameter. */
const found: { branch: string | null; received: string | null; rport: string | null } = {
  branch: null,
  received: null,
  rport: null,
}

/** Looks for the parameters every Via is asked for, in one pass over `;name=value;name=value`. */
function readParams(text: string): void {
  found.branch = found.received = found.rport = null
  const { length } = text
  for (let at = 0; at < length; ) {
    const start = skipBlanks(text, at + 1, length)
    const equals = endOfName(text, start, length)
    const end = equals < length && codeAt(text, equals) === 61 ? endOfValue(text, equals + 1, length) : equals
    const nameLength = trimBlanks(text, start, equals) - start
    // Names are told apart by their lengths; of repeated names the first counts.
    if (nameLength === 6 && isNamed(text, start, 'branch')) found.branch ??= valueAt(text, equals, end)
    else if (nameLength === 5 && isNamed(text, start, 'rport')) found.rport ??= valueAt(text, equals, end)
    else if (nameLength === 8 && isNamed(text, start, 'received')) found.received ??= valueAt(text, equals, end)
    at = end
  }
}

function isNamed(text: string, start: number, name: string): boolean {
  return text.startsWith(name, start) || text.slice(start, start + name.length).toLowerCase() === name
}

function valueAt(text: string, equals: number, end: number): string {
  return unquote(text.slice(skipBlanks(text, equals + 1, end), trimBlanks(text, equals + 1, end)))
}

function readRport(text: string): number {
  const { length } = text
  return endOfDigits(text, 0) === length ? Math.max(0, parsePort(text, 0, length)) : 0
}
