import { randomInt } from 'node:crypto'
import type { ModuleContext, PvarHandlers } from '../../module/define.ts'
import { CALENDAR_FIELDS, calendarReader } from './calendar-field.ts'
import type { SharedValues } from './shared-values.ts'

/** `$RANDOM` is below this. */
const RANDOM_LIMIT = 2 ** 31

/** The pseudo-variables of cfgutils, for its spec. */
export const pvarSpecs = {
  RANDOM: { type: 'int', writable: false, doc: 'A number from 0 to 2³¹ − 1, another each time.' },
  shv: { type: 'any', writable: true, inner: 'required', doc: 'A variable shared by all messages; 0 if never set.' },
  ctime: {
    type: 'int',
    writable: false,
    inner: 'required',
    doc: `The local time: ${CALENDAR_FIELDS.join(', ')}. Weekdays begin with 1 for Sunday.`,
  },
  env: { type: 'str', writable: false, inner: 'required', doc: 'A variable of the environment; NULL if not set.' },
} as const

/** The builders of {@link pvarSpecs}. */
export function pvarHandlers({ clock, log }: ModuleContext, shared: SharedValues): PvarHandlers<typeof pvarSpecs> {
  return {
    RANDOM: () => ({ get: () => randomInt(RANDOM_LIMIT) }),
    shv: ({ inner }) => ({
      get: m => shared.get(inner?.read(m).trim() ?? ''),
      set: (m, value) => {
        const isSet = shared.set(inner?.read(m).trim() ?? '', value)
        if (!isSet) log.error('there are too many $shv variables')
        return isSet
      },
    }),
    ctime: site => {
      const read = calendarReader(site.inner?.constant?.trim() ?? '')
      if (read === undefined) return site.reject(`$ctime() knows ${CALENDAR_FIELDS.join(', ')}`)
      return { get: () => read(new Date(clock.nowMs())) }
    },
    env: ({ inner }) => ({ get: m => process.env[inner?.read(m).trim() ?? ''] ?? null }),
  }
}
