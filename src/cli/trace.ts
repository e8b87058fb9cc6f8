import { parseArgs } from 'node:util'
import type { NamedValue, RunBegun, RunEnded, StepTraced, TraceRecord } from '../script/trace/records.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'
import { readLive, word } from './live-stream.ts'
import { DEFAULT_URL } from './mi-client.ts'

export const usage = 'trace [NAME=VALUE …] [--runs N] [--url URL] [--user NAME:PASSWORD] [--json]'
export const summary =
  'Prints each statement the script runs for messages, with values and results: callid=, method=, from=, to=, ruri=, source=, kind=.'

/**
 * Runs `fanfare trace` until the proxy ends the stream or N runs have ended. Gives 0 then, 1 when the proxy was not reached or
 * refused. Throws UsageError for a command line it cannot read.
 */
export async function run(argv: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = read(argv)
  const most = countOf(values.runs)
  const { url, user, json } = values
  let ended = 0
  return readLive({ url, user, name: 'trace', query: { filter: filterOf(positionals) }, items: 'lines' }, io, data => {
    const record = JSON.parse(data) as TraceRecord
    io.stdout.write(`${json ? data : readable(record)}\n`)
    if (record.type === 'end') ended++
    return ended < most
  })
}

function read(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      url: { type: 'string', default: DEFAULT_URL },
      user: { type: 'string' },
      runs: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
}

function countOf(runs: string | undefined): number {
  if (runs === undefined) return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d*$/.test(runs)) throw new UsageError(`--runs: expected a number from 1 on, found "${runs}"`)
  return Number(runs)
}

/** Conditions that must all hold; a value may have blanks in it. */
function filterOf(conditions: readonly string[]): string | undefined {
  if (conditions.length === 0) return undefined
  return conditions
    .map(condition => {
      const found = /^(\w+)(!?=)(.*)$/s.exec(condition)
      if (found === null) throw new UsageError(`expected NAME=VALUE, found "${condition}": usage: fanfare ${usage}`)
      const [, name, operator, value = ''] = found
      return `${name}${operator}"${value.replace(/["\\]/g, '\\$&')}"`
    })
    .join(';')
}

function readable(record: TraceRecord): string {
  switch (record.type) {
    case 'run':
      return runLine(record)
    case 'step':
      return stepLine(record)
    case 'end':
      return endLine(record)
    case 'skipped':
      return `(${record.count} runs not followed: there were too many in one second)`
  }
}

/** `#7 2026-11-20T15:22:07.123Z route[] INVITE 1@a from alice@a.org at 10.0.0.1:5060`. */
function runLine({ run, timeMs, route, method, status, callid, from, source }: RunBegun): string {
  const what = status === null ? method : `${status} ${method}`
  return `#${run} ${new Date(timeMs).toISOString()} ${route} ${what} ${printed(callid)} from ${printed(from)} at ${source}`
}

/** `#7 x.cfg:12   if ($rU == "bob") → true  $rU=bob`. */
function stepLine(step: StepTraced): string {
  const { run, file, line, depth, text, phase, result, error, ms } = step
  const place = `#${run} ${file}:${line} ${'  '.repeat(depth)}${printed(text)}`
  const outcome = phase === 'begin' ? ' …' : result === null ? '' : ` → ${result}`
  const values = [...named('=', step.values), ...named(':=', step.set)].join(' ')
  const waited = phase === 'end' && ms > 0 ? ` (${ms} ms since the begin)` : ''
  return `${place}${outcome}${values === '' ? '' : `  ${values}`}${error === undefined ? '' : `  error: ${printed(error)}`}${waited}`
}

const named = (sign: string, list: readonly NamedValue[]): string[] =>
  list.map(([name, value]) => `${printed(name)}${sign}${word(value)}`)

function endLine({ run, result, steps, leftOut, ms }: RunEnded): string {
  const missing = leftOut === 0 ? '' : `, ${leftOut} more not shown`
  return `#${run} end: ${result} after ${steps} statements${missing}, ${ms} ms`
}

/** A terminal gets no control characters. */
const printed = (text: string): string =>
  text.replace(/\p{Cc}/gu, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

const trace: CliCommand = { usage, summary, run }
export default trace
