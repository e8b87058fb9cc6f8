import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import type { PvarHandler } from '../pvar.ts'
import { type CorePvars, type LevelSwitch, listed, type PvarHost, placed, plain } from './core-pvar.ts'

const READ_ONLY = { type: 'any', writable: false } as const

/** Where the script is, its levels, and the error an error route handles. */
export function scriptStatePvars(host: PvarHost): CorePvars {
  return {
    route: placed(
      { ...READ_ONLY, doc: 'The running route, `route[name]`; $(route[1]) the one that called it.' },
      site => listed(site.index, runningRoutes),
    ),
    'route.name': plain('str', 'Name of the running route.', m => nameIn(m.route?.name)),
    'route.type': plain('str', 'Kind of the running route, `failure_route`.', m => kindIn(m.route?.name)),
    cfg_line: placed({ ...READ_ONLY, doc: 'Line of the script.' }, site => ({ get: () => site.place.line })),
    cfg_file: placed({ ...READ_ONLY, doc: 'File of the script.' }, site => ({ get: () => site.place.file })),
    log_level: level('The log level; NULL restores it.', host.logLevel),
    xlog_level: level('The level of xlog(); NULL restores it.', host.xlogLevel),
    'err.class': fault('int', 'Class of the error: 1 parse, 4 assertion.', m => m.fault?.class ?? null),
    'err.level': fault('int', 'Severity of the error.', m => m.fault?.level ?? null),
    'err.info': fault('str', 'What was wrong.', m => m.fault?.info ?? null),
    'err.rcode': fault('int', 'Status code to reply with.', m => m.fault?.status ?? null),
    'err.rreason': fault('str', 'Reason phrase to reply with.', m => m.fault?.reason ?? null),
    C: placed({ ...READ_ONLY, doc: 'Terminal colour: foreground and background letter.', inner: 'required' }, site =>
      colour(site.inner?.constant ?? site.reject('expected two letters'), host.usesColours),
    ),
  }
}

const fault = (type: 'int' | 'str', doc: string, get: (m: RouteContext) => Value) => plain(type, doc, get)

function runningRoutes(m: RouteContext): readonly string[] {
  const names: string[] = []
  for (let { route } = m; route !== null; route = route.caller) names.push(route.name)
  return names
}

function nameIn(route: string | undefined): string | null {
  return route === undefined ? null : (/\[(.*)\]$/.exec(route)?.[1] ?? '')
}

function kindIn(route: string | undefined): string | null {
  return route === undefined ? null : route.replace(/\[.*$/, '')
}

function level(doc: string, target: LevelSwitch) {
  return plain('int', doc, () => target.get(), {
    set: (_, value) => {
      if (typeof value === 'string') return false
      target.set(value)
      return true
    },
  })
}

/** Order of the letters: ANSI colours 30–37; `x` is the default. */
const COLOURS = 'srgypbcw'

function colour(letters: string, isOn: boolean): PvarHandler {
  const code = (letter: string | undefined, base: number): string => {
    const index = COLOURS.indexOf((letter ?? 'x').toLowerCase())
    return index < 0 ? '' : `;${base + index}`
  }
  const text = isOn ? `\x1b[0${code(letters[0], 30)}${code(letters[1], 40)}m` : ''
  return { get: () => text }
}
