import type { ValueTest } from '../pattern.ts'
import { noDetails, readTest } from './details.ts'
import { type Line, listed } from './line.ts'
import type { Act } from './step-line.ts'
import { readMethod, readStatus } from './values.ts'

/** `STATUS ["BODY"]`. */
export function readWebReply(line: Line): { readonly status: number; readonly body: string } {
  const status = readStatus(line)
  return { status, body: line.next()?.text ?? '' }
}

/** A line about a web server behind its name: `gets METHOD`, `gets nothing`, `replies STATUS ["BODY"]`. */
export function readWebStep(name: string, line: Line, under: readonly Line[], withinMs: number): Act {
  if (line.oneOf(['gets', 'replies']) === 'replies') {
    noDetails(under, 'replies')
    const { status, body } = readWebReply(line)
    return run => run.web(name).replies(status, body)
  }
  if (line.takes('nothing')) {
    noDetails(under, 'gets nothing')
    return run => run.web(name).getsNothing()
  }
  const method = readMethod(line)
  const wishes = readWishes(under)
  return run => run.web(name).gets(method, wishes, withinMs)
}

function readWishes(lines: readonly Line[]) {
  const wishes: { path?: ValueTest; body?: ValueTest; headers: Record<string, ValueTest | null> } = { headers: {} }
  for (const line of lines) {
    const { text: subject, column } = line.value('header, path or body')
    if (subject === 'header') wishes.headers[line.value('the name of a header').text] = readTest(line)
    else if (subject === 'path' || subject === 'body') wishes[subject] = readTest(line)
    else throw line.error(`expected ${listed(['header', 'path', 'body'])}, not "${subject}"`, column)
    line.end()
  }
  return wishes
}
