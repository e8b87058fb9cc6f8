import { relative } from 'node:path'
import { secondsText } from './duration.ts'
import { placeText, type StepPlace } from './failure.ts'
import type { JournalEntry } from './journal.ts'
import type { TestFailure, TestResult } from './test-case.ts'

/** What became of a run. */
export interface RunSummary {
  readonly passed: number
  readonly failed: number
  /** Tests, and files of tests, that could not be run. */
  readonly broken: number
  /** In real time. */
  readonly tookMs: number
}

/** Told of a run as it goes. */
export interface Reporter {
  beginFile(file: string): void
  test(result: TestResult): void
  /** A file, or what was asked for, that could not be read. */
  broken(message: string): void
  end(summary: RunSummary): void
}

const MOST_TRACE_LINES = 60
const INDENT = '        '

/** A path as people read it: from the current folder where it is below that. */
const shortPath = (file: string): string => {
  const path = relative(process.cwd(), file)
  return path === '' || path.startsWith('..') ? file : path
}

const shortPlace = (place: StepPlace): string => placeText({ ...place, file: shortPath(place.file) })

/** For people. */
export function textReporter(write: (text: string) => void): Reporter {
  return {
    beginFile: file => write(`${shortPath(file)}\n`),
    test: ({ title, outcome, failure }) => {
      write(`  ${outcome === 'passed' ? 'ok   ' : 'FAIL '} ${title}\n`)
      if (failure !== null) write(`${failureText(failure)}\n`)
    },
    broken: message => write(`${message}\n`),
    end: ({ passed, failed, broken, tookMs }) => {
      const parts = [`${passed} passed`]
      if (failed > 0) parts.push(`${failed} failed`)
      if (broken > 0) parts.push(`${broken} could not be run`)
      write(`\n${parts.join(', ')} (${secondsText(tookMs)} s)\n`)
    },
  }
}

/** One JSON object for the whole run, for programs. */
export function jsonReporter(write: (text: string) => void): Reporter {
  const tests: object[] = []
  const errors: string[] = []
  return {
    beginFile: () => {},
    test: ({ title, place, outcome, failure }) =>
      tests.push({
        file: shortPath(place.file),
        line: place.line,
        title,
        outcome,
        ...(failure && { failure: plain(failure) }),
      }),
    broken: message => errors.push(message),
    end: summary => write(`${JSON.stringify({ ...summary, tookMs: Math.round(summary.tookMs), tests, errors })}\n`),
  }
}

const plain = ({ place, ...failure }: TestFailure) => ({ ...place, file: shortPath(place.file), ...failure })

/** Which step, what was expected, what came, and what happened until then. */
export function failureText({ place, step, message, expected, came, trace }: TestFailure): string {
  const head = `${INDENT}${shortPlace(place)}${step === '' ? '' : `: ${step}`}\n`
  const what =
    expected === null || came === null ? block('', message) : block('expected  ', expected) + block('came      ', came)
  return `${head}${what}${trace.length === 0 ? '' : `\n${traceText(trace)}`}`
}

const block = (label: string, text: string): string =>
  `${INDENT}${label}${text.replaceAll(/\r?\n/g, `\n${INDENT}${' '.repeat(label.length)}`)}\n`

/** One line for each thing that happened, with the seconds since the start of the test; steps stand out. */
function traceText(trace: readonly JournalEntry[]): string {
  const left = trace.length - MOST_TRACE_LINES
  const lines = trace.slice(-MOST_TRACE_LINES).map(entry => `${INDENT}${traceLine(entry)}\n`)
  return (left > 0 ? `${INDENT}… ${left} lines before\n` : '') + lines.join('')
}

function traceLine({ atMs, kind, text }: JournalEntry): string {
  const time = secondsText(atMs).padStart(10)
  if (kind === 'step') return `${time}  ${text}`
  return `${time}      ${kind === 'message' ? text : `${kind}: ${text.replaceAll('\n', `\n${INDENT}${' '.repeat(16)}`)}`}`
}
