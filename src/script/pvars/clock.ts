import { strftime } from '../strftime.ts'
import { type CorePvars, type PvarHost, placed, plain } from './core-pvar.ts'

/** Time and process. */
export function clockPvars(host: PvarHost): CorePvars {
  const now = (): number => host.clock.nowMs()
  return {
    time: placed(
      { type: 'str', writable: false, doc: 'The local time in a strftime format.', inner: 'required' },
      site => ({ get: m => strftime(site.inner?.read(m) ?? '', new Date(now())) }),
    ),
    Tf: plain('str', 'The local time, `Fri Nov 20 15:21:56 2026`.', () =>
      strftime('%a %b %e %H:%M:%S %Y', new Date(now())),
    ),
    Ts: plain('int', 'Seconds since 1970.', () => Math.floor(now() / 1000)),
    Tsm: plain('int', 'Microseconds of the running second.', () => Math.floor((now() % 1000) * 1000)),
    TS: plain('int', 'Seconds since 1970 when the process started.', () => Math.floor(host.startedAtMs / 1000)),
    pp: plain('int', 'Process id.', () => process.pid),
    argv: placed({ type: 'str', writable: false, doc: 'A word of the command line.', inner: 'optional' }, site => ({
      get: m => process.argv[1 + Number(site.inner?.read(m) ?? 0)] ?? null,
    })),
  }
}
