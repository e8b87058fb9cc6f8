import { MiError } from '../../mi/management-interface.ts'
import { didYouMean } from '../../script/nearest.ts'
import { ExpectationError } from '../failure.ts'
import { type MiParams, resultText } from '../observations.ts'
import { COMPARISON_WORDS, has, matches, type ValueTest } from '../pattern.ts'
import type { TestRun } from '../test-case.ts'
import { noDetails, readTest } from './details.ts'
import { type Line, listed, type Token } from './line.ts'
import { AWAITED_VERB, PHONE_VERBS, readPhoneOptions } from './phone-line.ts'
import { readMilliseconds, readNumber } from './values.ts'
import { readWebStep } from './web-line.ts'

/** A step, compiled. */
export type Act = (run: TestRun) => unknown

/** What a step is read from. */
interface StepText {
  readonly line: Line
  /** The lines indented further than it. */
  readonly under: readonly Line[]
  readonly withinMs: number
  /** The phones there are; one that is added joins them. */
  readonly phones: Set<string>
  readonly webServers: ReadonlySet<string>
}

type ReadStep = (text: StepText) => Act

/** Steps by their first word; any other first word is a phone. */
const STEPS: Readonly<Record<string, ReadStep>> = {
  wait: ({ line, under }) => {
    const ms = readMilliseconds(line)
    noDetails(under, 'wait')
    return run => run.bench.advance(ms)
  },
  within: ({ line, under, phones, webServers }) => {
    const withinMs = readMilliseconds(line)
    const isExpectation = [AWAITABLE, phones, webServers].some(known => known.has(line.peek()?.text ?? ''))
    if (!isExpectation)
      throw line.error(`within is for what is expected: PHONE ${AWAITED_VERB}, ${listed([...AWAITABLE])}`)
    return readStep({ line, under, withinMs, phones, webServers })
  },
  event: ({ line, under, withinMs }) => {
    const name = line.value('the name of an event').text
    const filter = line.rest().text
    noDetails(under, 'event')
    return run => run.seen.event(name, filter, withinMs)
  },
  no: ({ line, under }) => {
    noDetails(under, 'no')
    if (line.oneOf(['event', 'log']) === 'log') {
      const test = readLogTest(line)
      return run => run.seen.notLogged(test)
    }
    const name = line.next()?.text
    const filter = line.rest().text
    return run => run.seen.noEvent(name, filter)
  },
  log: ({ line, under, withinMs }) => {
    const test = readLogTest(line)
    noDetails(under, 'log')
    return run => run.seen.logged(test, withinMs)
  },
  statistic: ({ line, under }) => {
    const name = line.value('the name of a statistic').text
    const word = line.oneOf(COMPARISON_WORDS)
    const wanted = readNumber(line)
    noDetails(under, 'statistic')
    return run => run.seen.statisticIs(name, word, wanted)
  },
  subscriber: readSubscriber,
  mi: readMi,
  phone: ({ line, under, phones }) => {
    const name = readName(line, phones)
    const options = readPhoneOptions(line)
    noDetails(under, 'phone')
    return run => run.addPhone(name, options)
  },
}

/** The words by which a step begins that is not about a phone or web server. */
export const STEP_WORDS: readonly string[] = Object.keys(STEPS)

/** Steps that `within` can stand before. */
const AWAITABLE: ReadonlySet<string> = new Set(['event', 'log', 'subscriber'])

/** Reads a step. Throws TestFileError. */
export function readStep(text: StepText): Act {
  const { line, under, withinMs, phones, webServers } = text
  const first = line.value('a step')
  const step = Object.hasOwn(STEPS, first.text) ? STEPS[first.text] : undefined
  if (step !== undefined) return step(text)
  if (webServers.has(first.text)) return readWebStep(first.text, line, under, withinMs)
  if (!phones.has(first.text)) throw unknownStep(line, first, [...phones, ...webServers])
  const verb = line.oneOf(Object.keys(PHONE_VERBS))
  if (withinMs > 0 && verb !== AWAITED_VERB)
    throw line.error(`within is for what is expected, as in within 5s ${first.text} gets 200`)
  const act = PHONE_VERBS[verb]?.(line, under, withinMs)
  return run => act?.(run.phone(first.text))
}

/** The name of a new phone, or of a web server. */
export function readName(line: Line, names: Set<string>): string {
  const { text, column } = line.value('a name')
  if (Object.hasOwn(STEPS, text)) throw line.error(`nothing can be named "${text}": steps begin with that word`, column)
  if (!/^[\w.+-]+$/.test(text)) throw line.error(`"${text}" is no name: expected letters, digits, _ . + -`, column)
  if (names.has(text)) throw line.error(`there is a ${text} already`, column)
  names.add(text)
  return text
}

function unknownStep(line: Line, { text: word, column }: Token, names: readonly string[]): Error {
  const known = [...names, ...Object.keys(STEPS)]
  const hint = didYouMean(word, known)
  return line.error(
    `"${word}" is neither a step nor a phone${hint === undefined ? `; expected ${listed(known)}` : `; ${hint}`}`,
    column,
  )
}

function readLogTest(line: Line): ValueTest {
  const word = line.oneOf(['has', 'matches'])
  return word === 'has' ? has(line.value('a text in quotes').text) : matches(line.regex())
}

function readSubscriber({ line, under, withinMs }: StepText): Act {
  const socket = line.value('a socket such as udp:127.0.0.1:8081').text
  noDetails(under, 'subscriber')
  const word = line.oneOf(['gets', 'goes', 'comes'])
  if (word !== 'gets') {
    line.oneOf([word === 'goes' ? 'away' : 'back'])
    return run => run.seen.setSubscriberAway(socket, word === 'goes')
  }
  if (line.takes('nothing')) return run => run.seen.deliveredNothing(socket)
  const event = line.value('the name of an event, or nothing').text
  const filter = line.rest().text
  return run => run.seen.delivered(socket, event, filter, withinMs)
}

const NAMED = /^([A-Za-z_]\w*)=(.*)$/s

function readMi({ line, under }: StepText): Act {
  const command = line.value('a management command').text
  const params = readParams(line)
  const checks = under.map(readResultCheck)
  const code = checks.find(check => typeof check === 'number')
  if (code !== undefined) return run => run.seen.miRefused(command, params, Number(code))
  return async run => {
    const result = await callMi(run, command, params)
    for (const check of checks) if (typeof check !== 'number') check(result)
  }
}

async function callMi(run: TestRun, command: string, params: MiParams | undefined): Promise<unknown> {
  try {
    return await run.seen.mi(command, params)
  } catch (error) {
    if (!(error instanceof MiError)) throw error
    const why = error.data === undefined ? '' : `: ${error.data}`
    throw new ExpectationError(`a result of mi ${command}`, `error ${error.code} ${error.message}${why}`)
  }
}

/** Words, or words of the form NAME=VALUE. */
function readParams(line: Line): MiParams | undefined {
  const tokens = []
  for (let token = line.next(); token !== null; token = line.next()) tokens.push(token)
  if (tokens.length === 0) return undefined
  const named = tokens.map(({ kind, text }) => (kind === 'quoted' ? null : NAMED.exec(text)))
  const odd = named.findIndex(found => (found === null) !== (named[0] === null))
  if (odd >= 0) throw line.error('parameters are either all NAME=VALUE or all values', tokens[odd]?.column)
  if (named[0] === null) return tokens.map(({ text }) => text)
  return Object.fromEntries(named.map(found => [found?.[1] ?? '', unquoted(found?.[2] ?? '')]))
}

const unquoted = (text: string): string => text.replace(/^"(.*)"$/s, '$1')

/** `result [PATH] TEST`, or the code of `error CODE`. */
function readResultCheck(line: Line): number | ((result: unknown) => void) {
  if (line.oneOf(['result', 'error']) === 'error') {
    const code = readNumber(line)
    line.end()
    return code
  }
  const isWhole = ['is', 'has', 'matches'].includes(line.peek()?.text ?? '')
  const path = isWhole ? '' : line.value('a path such as Contacts[0].Q, or is, has or matches').text
  const test = readTest(line)
  line.end()
  return result => {
    const found = path === '' ? result : valueAt(result, path)
    const text = found === undefined ? undefined : resultText(found)
    if (text !== undefined && test.holds(text)) return
    throw new ExpectationError(
      `result ${path} ${test.text}`.replace('  ', ' '),
      text ?? `no ${path} in ${resultText(result)}`,
    )
  }
}

/** `Contacts[0].Q` of a result. */
function valueAt(result: unknown, path: string): unknown {
  let value = result
  for (const key of path.split(/[.[\]]+/).filter(part => part !== '')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}
