import type { EventType } from '../events/catalogue.ts'
import { type Filter, fieldValue, parseFilter } from '../events/filter.ts'
import { asText } from '../events/filter-conditions.ts'
import type { WireEvent } from '../events/transport.ts'
import { type Pattern, testOf } from './pattern.ts'

/** What the parameters of an event have to be: a filter as subscriptions have it, or a pattern for each. */
export type ParamWishes = string | Readonly<Record<string, Pattern>>

/** Wishes about an event in a form that can be held against one. */
export interface EventTest {
  /** In words, '' for no wish. */
  readonly text: string
  holds(event: WireEvent): boolean
}

/** Throws FilterError where the text is no filter, or names a parameter that the event does not have. */
export function eventTest(wishes: ParamWishes = '', type: EventType | null = null): EventTest {
  if (typeof wishes === 'string') return wishes.trim() === '' ? ANYTHING : ofFilter(parseFilter(wishes, type))
  const tests = Object.entries(wishes).map(([name, pattern]) => ({ name, test: testOf(pattern) }))
  return {
    text: tests.map(({ name, test }) => `${name} ${test.text}`).join(', '),
    holds: ({ names, values }) =>
      tests.every(({ name, test }) => {
        const value = fieldValue(names, values, name)
        return value !== undefined && value !== null && test.holds(asText(value))
      }),
  }
}

const ANYTHING: EventTest = { text: '', holds: () => true }

const ofFilter = (filter: Filter): EventTest => ({
  text: filter.text,
  holds: ({ names, values }) => filter.matches(names, values),
})

/** Events for people, one a line. */
export const eventLines = (events: readonly WireEvent[]): string =>
  events.length === 0 ? 'nothing' : events.map(event => eventText(event)).join('\n')

/** Name and parameters of an event in one line. */
export function eventText({ name, names, values }: Pick<WireEvent, 'name' | 'names' | 'values'>): string {
  const params = values.flatMap((value, i) => (value === undefined ? [] : [`${names?.[i] ?? i + 1}=${shown(value)}`]))
  return [name, ...params].join(' ')
}

const shown = (value: string | number | null): string =>
  typeof value === 'string' && /[\s"=]|^$/.test(value) ? JSON.stringify(value) : String(value)
