import type { RouteContext } from '../../script/context.ts'
import { toBytes } from './byte-pattern.ts'

/**
 * Which part of the message is looked at: as received, whatever was changed since. Only a body that was given anew as a
 * whole counts instead of the one received.
 */
export type Area = 'message' | 'body'

/** The matches in byte form, their index the offset in the message. Without the flag `g`, the first one only. */
export function findMatches({ message, edits }: RouteContext, area: Area, pattern: RegExp): readonly RegExpExecArray[] {
  const { bytes, bodyStart } = message
  const offset = area === 'body' ? bodyStart : 0
  const head = bytes.toString('latin1', offset, bodyStart)
  const text = head + (edits.newBody ?? bytes.subarray(bodyStart)).toString('latin1')
  const found = pattern.global ? [...text.matchAll(pattern)] : [pattern.exec(text)].filter(match => match !== null)
  for (const match of found) match.index += offset
  return found
}

/** Puts text behind the first match; false without one. */
export function insertBehindMatch(m: RouteContext, area: Area, pattern: RegExp, text: string): boolean {
  const [match] = findMatches(m, area, pattern)
  if (match === undefined) return false
  const end = match.index + match[0].length
  change(m, end, end, text, isUriAsReceived(m))
  return true
}

/** Replaces what matches; false without a match. */
export function editMatches(
  m: RouteContext,
  area: Area,
  pattern: RegExp,
  textFor: (match: RegExpExecArray) => string,
): boolean {
  const found = findMatches(m, area, pattern)
  const wasReceived = isUriAsReceived(m)
  // From the end, so that the offsets of those before stay right.
  for (const match of found.toReversed()) {
    change(m, match.index, match.index + match[0].length, textFor(match), wasReceived)
  }
  return found.length > 0
}

function isUriAsReceived({ message, target }: RouteContext): boolean {
  return message.isRequest && target.uri === message.requestUri
}

/**
 * Changes bytes of the message. In the Request-URI the URI is changed that the message is written with; where the script
 * has set another one, what was received there no longer counts.
 */
function change(m: RouteContext, start: number, end: number, text: string, isUriKept: boolean): void {
  const { message, edits, target } = m
  const { newBody } = edits
  if (newBody !== undefined && start >= message.bodyStart) {
    const [from, to] = [start - message.bodyStart, end - message.bodyStart]
    edits.setBody(Buffer.concat([newBody.subarray(0, from), Buffer.from(text), newBody.subarray(to)]))
  } else if (message.isRequest && start >= message.requestUriStart && end <= message.requestUriEnd) {
    if (!isUriKept) return
    const uri = toBytes(target.uri)
    const [from, to] = [start - message.requestUriStart, end - message.requestUriStart]
    target.uri = Buffer.from(uri.slice(0, from) + toBytes(text) + uri.slice(to), 'latin1').toString()
  } else if (start === end) edits.insert(start, text)
  else edits.replace(start, end, text)
}
