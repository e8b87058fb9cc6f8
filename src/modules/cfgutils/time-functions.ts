import { arg, functionGroup, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import type { Clock } from '../../util/clock.ts'
import { RecurrenceError } from '../../util/parse-recurrence.ts'
import { compileTimes, type TimeTest } from '../../util/recurrence-expression.ts'
import { UnknownZoneError } from '../../util/wall-time.ts'

/** Longest delay that a timer takes. */
const MAX_DELAY_MS = 0x7fff_ffff
/** Largest integer of a script. */
const MAX_INT = 0x7fff_ffff

const NO_MATCH = -1
const UNREADABLE = -2
const INTERNAL = -3

/** Functions about time and waiting. */
export const timeFunctions = functionGroup(
  {
    sleep: {
      args: [arg('seconds', 'int', 'How long.')],
      routes: 'any',
      returns: '1; −1 the number is negative, or async() gave it less time',
      doc: 'Waits. Other messages go on meanwhile.',
      async: true,
    },
    usleep: {
      args: [arg('microseconds', 'int', 'How long; rounded up to milliseconds.')],
      routes: 'any',
      returns: '1; −1 the number is negative, or async() gave it less time',
      doc: 'Waits. Other messages go on meanwhile.',
      async: true,
    },
    ts_usec_delta: {
      args: [
        arg('seconds1', 'int', 'Seconds of the one time.'),
        arg('microseconds1', 'int', 'Its microseconds.'),
        arg('seconds2', 'int', 'Seconds of the other time.'),
        arg('microseconds2', 'int', 'Its microseconds.'),
        optional(arg('text', 'var', 'Gets the difference, as text.')),
        optional(arg('number', 'var', 'Gets the difference, as a number.')),
      ],
      routes: 'any',
      returns: '1; −1 the number is too large for an integer, or a variable refuses the value',
      doc: 'How far two times are apart, in µs, whichever is earlier.',
    },
    get_accurate_time: {
      args: [
        arg('seconds', 'var', 'Gets the seconds since 1970.'),
        arg('microseconds', 'var', 'Gets the rest, in µs.'),
        optional(arg('text', 'var', 'Gets both, `seconds.microseconds`.')),
      ],
      routes: 'any',
      returns: '1; −1 a variable refuses the value',
      doc: 'Reads the wall clock.',
    },
    check_time_rec: {
      args: [
        arg(
          'recurrence',
          'str',
          '`[tz|]dtstart|dtend|duration|freq|until|interval|byday|bymonthday|byyearday|byweekno|bymonth`; several are ' +
            'combined with `&`, `/` (or), `!` and parentheses.',
        ),
        optional(arg('time', 'int', 'The time in question, seconds since 1970; now if absent.')),
      ],
      routes: 'any',
      returns: `1 it is such a time; ${NO_MATCH} it is not; ${UNREADABLE} the recurrence cannot be read; ${INTERNAL} the time zone is unknown`,
      doc: 'Whether a time is one of those that recur (RFC 2445 §4.3.10, a part of it).',
    },
  },
  ({ clock, log }) => ({
    sleep: seconds => m => wait(clock, m, seconds.read(m) * 1000),
    usleep: microseconds => m => wait(clock, m, microseconds.read(m) / 1000),
    ts_usec_delta: (seconds1, microseconds1, seconds2, microseconds2, text, number) => m => {
      const seconds = seconds1.read(m) - seconds2.read(m)
      const delta = Math.abs(seconds * 1_000_000 + microseconds1.read(m) - microseconds2.read(m))
      if (!write(m, text, String(delta))) return -1
      return (number === undefined || delta <= MAX_INT) && write(m, number, delta) ? 1 : -1
    },
    get_accurate_time: (seconds, microseconds, text) => m => {
      const nowUs = Math.round(clock.nowMs() * 1000)
      const whole = Math.floor(nowUs / 1_000_000)
      const rest = nowUs - whole * 1_000_000
      const shown = `${whole}.${String(rest).padStart(6, '0')}`
      return write(m, seconds, whole) && write(m, microseconds, rest) && write(m, text, shown) ? 1 : -1
    },
    check_time_rec: (recurrence, time) => {
      const failed = (error: unknown): Verdict => {
        const reason = error instanceof Error ? error.message : String(error)
        log.error('a time recurrence is not usable', { reason })
        if (error instanceof RecurrenceError) return UNREADABLE
        if (error instanceof UnknownZoneError) return INTERNAL
        throw error
      }
      const timeOf = (m: RouteContext): number => (time === undefined ? clock.nowMs() : time.read(m) * 1000)
      return recurrenceStep(recurrence, (test, m) => (test(timeOf(m)) ? 1 : NO_MATCH), failed)
    },
  }),
)

/** A constant is read once, at load; what is wrong with it is told there. */
function recurrenceStep(
  recurrence: Arg<string>,
  judge: (test: TimeTest, m: RouteContext) => Verdict,
  failed: (error: unknown) => Verdict,
): Step {
  const constant = recurrence.constant === undefined ? undefined : compileConstant(recurrence, recurrence.constant)
  return m => {
    try {
      return judge(constant ?? compileTimes(recurrence.read(m)), m)
    } catch (error) {
      return failed(error)
    }
  }
}

function compileConstant(recurrence: Arg<string>, text: string): TimeTest {
  try {
    const test = compileTimes(text)
    // Finds zones that do not exist.
    test(0)
    return test
  } catch (error) {
    return recurrence.reject(error instanceof Error ? error.message : String(error))
  }
}

function wait(clock: Clock, { timeLimit }: RouteContext, delayMs: number): Verdict | Promise<Verdict> {
  if (delayMs < 0) return -1
  return new Promise(resolve => {
    const timer = clock.after(Math.min(Math.ceil(delayMs), MAX_DELAY_MS), () => resolve(1))
    if (timeLimit === null) return
    timeLimit.onOver = () => {
      timer.clear()
      resolve(-1)
    }
  })
}

function write(m: RouteContext, variable: Arg<PvarRef> | undefined, value: string | number): boolean {
  return variable === undefined || variable.read(m).set(m, value)
}
