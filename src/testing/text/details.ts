import type { MessageWishes } from '../message-check.ts'
import { has, is, matches, type ValueTest } from '../pattern.ts'
import { type Line, listed } from './line.ts'

/** Header lines, and the body, of what a phone sends. */
export interface SentDetails {
  readonly headers: Record<string, string | readonly string[] | null>
  readonly body: string | undefined
  /** Lines after a bar, as they stand. */
  readonly block: readonly string[]
}

const TESTS = ['is', 'has', 'matches'] as const

/** `is VALUE`, `has VALUE` or `matches /EXPRESSION/`. */
export function readTest(line: Line): ValueTest {
  const word = line.oneOf(TESTS)
  if (word === 'matches') return matches(line.regex())
  const { text } = line.value('a value, in quotes if it has blanks in it')
  return word === 'is' ? is(text) : has(text)
}

/** The lines under a `gets`: what the message has to be like. */
export function readWishes(lines: readonly Line[]): MessageWishes {
  const wishes: { uri?: ValueTest; reason?: ValueTest; body?: ValueTest } = {}
  const headers: Record<string, ValueTest | null> = {}
  for (const line of lines) {
    const { text: subject, column } = line.value('header, no header, uri, reason or body')
    if (subject === 'no') {
      line.oneOf(['header'])
      headers[line.value('the name of a header').text] = null
    } else if (subject === 'header') headers[line.value('the name of a header').text] = readTest(line)
    else if (subject === 'uri' || subject === 'reason' || subject === 'body') wishes[subject] = readTest(line)
    else
      throw line.error(`expected ${listed(['header', 'no header', 'uri', 'reason', 'body'])}, not "${subject}"`, column)
    line.end()
  }
  return { ...wishes, headers }
}

/** The lines under something that is sent. */
export function readSent(lines: readonly Line[]): SentDetails {
  const headers: SentDetails['headers'] = {}
  const block: string[] = []
  let body: string | undefined
  for (const line of lines) {
    if (line.text.startsWith('|')) {
      block.push(line.text.slice(1).replace(/^ /, ''))
      continue
    }
    const { text: subject, column } = line.value('header, no header or body')
    if (subject === 'header') addHeader(headers, line)
    else if (subject === 'no') {
      line.oneOf(['header'])
      headers[line.value('the name of a header').text] = null
      line.end()
    } else if (subject === 'body') {
      body = line.value('a text in quotes').text
      line.end()
    } else throw line.error(`expected header, no header, body or a line after "|", not "${subject}"`, column)
  }
  return { headers, body: body ?? (block.length > 0 ? block.map(text => `${text}\r\n`).join('') : undefined), block }
}

function addHeader(headers: SentDetails['headers'], line: Line): void {
  const { text, column } = line.rest()
  const [, name, value = ''] = /^([^\s:]+)\s*:\s*(.*)$/.exec(text) ?? []
  if (name === undefined) throw line.error('expected a header as in header Subject: lunch', column)
  const before = headers[name]
  headers[name] = before === undefined || before === null ? value : [before, value].flat()
}

/** Refuses lines under a step that takes none. */
export function noDetails(lines: readonly Line[], step: string): void {
  const [line] = lines
  if (line !== undefined)
    throw line.error(`nothing can stand under "${step}"; is this line indented too far?`, line.indent + 1)
}
