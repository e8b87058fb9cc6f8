import { LogLevel, type LogLevelName } from '../../log/log.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, param } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import { averageOf, describeTimes, Stopwatch, type Times } from './stopwatch.ts'

/** Most stopwatches: their names may come from messages. */
const MAX_STOPWATCHES = 1000

/** When each stopwatch was started for a message, µs, and what it measured last. */
interface Marks {
  readonly started: Map<Stopwatch, number>
  lastUs: number | null
}
const marks = messageSlot<Marks>()

const timerName = arg('name', 'str', 'Name of the stopwatch.')
const returns = '1; −1 it is not enabled, or was not started'

/** Measures how long parts of a script take, as the benchmark module of OpenSIPS. */
export default defineModule(
  {
    name: 'benchmark',
    doc: 'Measures how long parts of a script take.',
    params: {
      enable: param('int', 0, '1: every stopwatch runs; 0: those that management enables; −1: none.'),
      granularity: param('int', 1, 'Every so many measurements a line is logged; 0: never.'),
      loglevel: param('int', 3, 'Level of these lines, as in log_level.'),
    },
    functions: {
      bm_start_timer: { args: [timerName], routes: 'any', returns, doc: 'Starts a stopwatch.' },
      bm_log_timer: { args: [timerName], routes: 'any', returns, doc: 'Stops a stopwatch and counts what it shows.' },
    },
    pvars: {
      BM_time_diff: {
        type: 'int',
        writable: false,
        doc: 'What bm_log_timer() measured last for this message, µs; NULL before.',
      },
    },
    commands: {
      enable_global: {
        args: [arg('enable', 'int', '1, 0 or −1.')],
        aliases: ['bm_enable_global'],
        doc: 'Sets `enable`.',
      },
      enable_timer: {
        args: [arg('timer', 'str', 'Name of the stopwatch.'), arg('enable', 'int', '1 or 0.')],
        aliases: ['bm_enable_timer'],
        doc: 'Enables or disables a stopwatch.',
      },
      granularity: {
        args: [arg('beginning', 'int', 'The number.')],
        aliases: ['bm_granularity'],
        doc: 'Sets `granularity`.',
      },
      loglevel: { args: [arg('log_level', 'int', 'The level.')], aliases: ['bm_loglevel'], doc: 'Sets `loglevel`.' },
      poll_results: {
        args: [],
        aliases: ['bm_poll_results'],
        doc: 'Shows what the stopwatches measured since the last line of the log, and since the start, in µs.',
      },
    },
  },
  ({ clock, log, params }) => {
    const settings = { enable: params.enable, granularity: params.granularity, level: params.loglevel }
    const watches = new Map<string, Stopwatch>()
    const open = (name: string): Stopwatch | undefined => {
      const known = watches.get(name)
      if (known !== undefined || watches.size >= MAX_STOPWATCHES) return known
      const made = new Stopwatch(name)
      watches.set(name, made)
      return made
    }
    const running = (name: string): Stopwatch | undefined => {
      const watch = open(name)
      const isOn = settings.enable === 1 || (settings.enable === 0 && watch?.isEnabled === true)
      return isOn ? watch : undefined
    }
    const nowUs = (): number => Math.round(clock.monotonicMs() * 1000)
    const record = (watch: Stopwatch, us: number): void => {
      watch.add(us)
      if (settings.granularity === 0 || watch.recent.count < settings.granularity) return
      log[levelName(settings.level)]('measured: count/sum/min/max/average, µs', {
        timer: watch.name,
        last: us,
        recent: describeTimes(watch.recent),
        all: describeTimes(watch.all),
      })
      watch.restart()
    }
    const prepare = (name: Arg<string>): void => {
      if (name.constant !== undefined) open(name.constant)
    }
    return {
      functions: {
        bm_start_timer: name => {
          prepare(name)
          return m => {
            const watch = running(name.read(m))
            if (watch !== undefined) marksOf(m).started.set(watch, nowUs())
            return watch === undefined ? -1 : 1
          }
        },
        bm_log_timer: name => {
          prepare(name)
          return m => {
            const watch = running(name.read(m))
            const known = marksOf(m)
            const startedUs = watch === undefined ? undefined : known.started.get(watch)
            if (watch === undefined || startedUs === undefined) return -1
            known.started.delete(watch)
            known.lastUs = nowUs() - startedUs
            record(watch, known.lastUs)
            return 1
          }
        },
      },
      pvars: { BM_time_diff: () => ({ get: m => marks.get(m)?.lastUs ?? null }) },
      commands: {
        enable_global: ({ enable }) => {
          if (![1, 0, -1].includes(enable)) throw new MiError(400, 'Bad parameter value', 'expected 1, 0 or -1')
          settings.enable = enable
          return 'OK'
        },
        enable_timer: ({ timer, enable }) => {
          const watch = watches.get(timer)
          if (watch === undefined) throw new MiError(404, 'No such timer')
          watch.isEnabled = enable !== 0
          return 'OK'
        },
        granularity: ({ beginning }) => {
          if (beginning < 0) throw new MiError(400, 'Bad parameter value', 'expected a number from 0')
          settings.granularity = beginning
          return 'OK'
        },
        loglevel: ({ log_level }) => {
          settings.level = log_level
          return 'OK'
        },
        poll_results: () => ({
          Timers: [...watches.values()].map(watch => ({
            name: watch.name,
            state: settings.enable === 1 || watch.isEnabled ? 'enabled' : 'disabled',
            local: shown(watch.recent),
            global: shown(watch.all),
          })),
        }),
      },
    }
  },
)

function marksOf(m: RouteContext): Marks {
  const known = marks.get(m) ?? { started: new Map(), lastUs: null }
  marks.set(m, known)
  return known
}

const shown = (times: Times): unknown => ({ ...times, average: averageOf(times) })

/** The name of a level, that of the next more serious one where it has none. */
function levelName(level: number): LogLevelName {
  const names = Object.entries(LogLevel) as (readonly [LogLevelName, number])[]
  return names.findLast(([, one]) => one <= level)?.[0] ?? 'alert'
}
