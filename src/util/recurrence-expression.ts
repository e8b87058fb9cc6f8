import { parseRecurrence, RecurrenceError } from './parse-recurrence.ts'
import { isInRecurrence } from './recurrence.ts'
import { wallTime } from './wall-time.ts'

/** Deepest nesting of parentheses: texts may come from messages or a database. */
const MAX_DEPTH = 50

/** Whether a time, milliseconds since 1970, is one of those meant. */
export type TimeTest = (timeMs: number) => boolean

/**
 * Compiles time recurrences combined with `&`, `/` (or), `!` and parentheses; `&` binds closer than `/`. Throws
 * RecurrenceError, or UnknownZoneError.
 */
export function compileTimes(text: string): TimeTest {
  return new TimesParser(text).parse()
}

class TimesParser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): TimeTest {
    const test = this.#either()
    if (this.#at < this.#text.length) throw new RecurrenceError(`unexpected "${this.#text.charAt(this.#at)}"`)
    return test
  }

  #either(): TimeTest {
    const tests = [this.#both()]
    while (this.#accept('/')) tests.push(this.#both())
    return tests.length === 1 && tests[0] !== undefined ? tests[0] : timeMs => tests.some(test => test(timeMs))
  }

  #both(): TimeTest {
    const tests = [this.#one()]
    while (this.#accept('&')) tests.push(this.#one())
    return tests.length === 1 && tests[0] !== undefined ? tests[0] : timeMs => tests.every(test => test(timeMs))
  }

  #one(): TimeTest {
    if (++this.#depth > MAX_DEPTH) throw new RecurrenceError(`nested more than ${MAX_DEPTH} deep`)
    const test = this.#accept('!') ? this.#opposite() : this.#accept('(') ? this.#group() : this.#recurrence()
    this.#depth--
    return test
  }

  #opposite(): TimeTest {
    const test = this.#one()
    return timeMs => !test(timeMs)
  }

  #group(): TimeTest {
    const test = this.#either()
    if (!this.#accept(')')) throw new RecurrenceError('expected ")"')
    return test
  }

  #recurrence(): TimeTest {
    const start = this.#at
    // Zones hold slashes: Europe/Berlin.
    const zone = /^\s*[A-Za-z][^|&()]*\|/.exec(this.#text.slice(start))?.[0] ?? ''
    const rest = /^[^&/!()]*/.exec(this.#text.slice(start + zone.length))?.[0] ?? ''
    this.#at = start + zone.length + rest.length
    if ((zone + rest).trim() === '' && this.#text.trim() !== '') throw new RecurrenceError('expected a time recurrence')
    const rule = parseRecurrence(zone + rest)
    return timeMs => isInRecurrence(rule, wallTime(timeMs, rule.zone))
  }

  #accept(char: string): boolean {
    const blanks = /^\s*/.exec(this.#text.slice(this.#at))?.[0].length ?? 0
    if (this.#text.charAt(this.#at + blanks) !== char) return false
    this.#at += blanks + 1
    return true
  }
}
