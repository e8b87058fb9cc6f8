import type { DeliveryPolicy, Overflow } from './policy.ts'
import { AddressError, PAYLOAD_FORMATS, type PayloadFormat } from './transport.ts'

/*
 * What a subscription says about its deliveries, behind its socket or in the argument `options` of management:
 *
 *     socket [ blank "[" option { blank option } "]" ]
 *     option = name "=" value | "durable"
 *
 * A time is a number with `ms`, `s`, `m`, `h` or `d` behind it, seconds without; a size one with `k`, `m` or `g`, bytes
 * without.
 */

/** What was asked for; what is absent keeps its default. */
export interface SubscriptionOptions {
  readonly format?: PayloadFormat
  readonly policy: Partial<DeliveryPolicy>
  /** The options in the order of the table, as listings print them; '' when there are none. */
  readonly text: string
}

/** An option as the reference lists it. */
export interface OptionDoc {
  readonly name: string
  readonly value: string
  readonly doc: string
}

type Draft = { -readonly [K in keyof DeliveryPolicy]?: DeliveryPolicy[K] } & { format?: PayloadFormat }

interface Option extends OptionDoc {
  /** Throws RangeError that says what is expected. */
  read(value: string, draft: Draft): void
}

const TIME_MS = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const SIZE = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 } as const

const OPTIONS: readonly Option[] = [
  {
    name: 'format',
    value: PAYLOAD_FORMATS.join(' | '),
    doc: 'Form of the payload.',
    read: (value, draft) => {
      draft.format = oneOf(PAYLOAD_FORMATS, value)
    },
  },
  {
    name: 'max_queue',
    value: 'number',
    doc: 'Most events that wait.',
    read: (value, draft) => {
      draft.maxQueued = count(value, 1)
    },
  },
  {
    name: 'max_bytes',
    value: 'size',
    doc: 'Most memory of the events that wait.',
    read: (value, draft) => {
      draft.maxQueuedBytes = scaled(value, SIZE, 'a size such as 64m')
    },
  },
  {
    name: 'max_age',
    value: 'time',
    doc: 'An event that has waited longer is dropped.',
    read: (value, draft) => {
      draft.maxAgeMs = scaled(value, TIME_MS, 'a time such as 90s or 2h')
    },
  },
  {
    name: 'when_full',
    value: 'drop-oldest | drop-newest | coalesce(field) | spool',
    doc: 'What a full queue gives up.',
    read: (value, draft) => {
      draft.overflow = overflow(value)
    },
  },
  {
    name: 'key',
    value: 'field',
    doc: 'Order is kept only between events with the same value of this field; others go in parallel.',
    read: (value, draft) => {
      draft.key = fieldName(value)
    },
  },
  {
    name: 'retries',
    value: 'number',
    doc: 'How often an event is tried again before it is a dead letter; 0 for never. Without it only age ends it.',
    read: (value, draft) => {
      draft.maxAttempts = count(value, 0) + 1
    },
  },
  {
    name: 'retry_first',
    value: 'time',
    doc: 'Pause before the first repeat; each pause is twice the one before.',
    read: (value, draft) => {
      const first = scaled(value, TIME_MS, 'a time such as 500ms')
      draft.backOffMs = { first, longest: Math.max(first, draft.backOffMs?.longest ?? 30_000) }
    },
  },
  {
    name: 'retry_max',
    value: 'time',
    doc: 'Longest pause between two attempts.',
    read: (value, draft) => {
      const longest = scaled(value, TIME_MS, 'a time such as 30s')
      draft.backOffMs = { first: Math.min(longest, draft.backOffMs?.first ?? 100), longest }
    },
  },
  {
    name: 'timeout',
    value: 'time',
    doc: 'What the receiver has for one attempt.',
    read: (value, draft) => {
      draft.sendTimeoutMs = scaled(value, TIME_MS, 'a time such as 10s')
    },
  },
  {
    name: 'window',
    value: 'number',
    doc: 'Most events on their way at once; 1 waits for each.',
    read: (value, draft) => {
      draft.maxInFlight = count(value, 1)
    },
  },
  {
    name: 'durable',
    value: '',
    doc: 'On disk before it is sent, off the disk when the receiver has it.',
    read: (value, draft) => {
      draft.durable = value === '' || oneOf(['yes', 'no'], value) === 'yes'
    },
  },
]

/** The options there are, for the reference page. */
export const OPTION_DOCS: readonly OptionDoc[] = OPTIONS.map(({ name, value, doc }) => ({ name, value, doc }))

const TAIL = /[ \t]+\[([^[\]]*)\][ \t]*$/

/** Takes the options off the end of a socket text. Throws AddressError, with offsets into the whole text. */
export function splitSocket(text: string): { readonly socket: string; readonly options: SubscriptionOptions } {
  const found = TAIL.exec(text)
  if (found === null) return { socket: text, options: NO_OPTIONS }
  const inside = found[1] ?? ''
  const offset = text.indexOf('[', found.index) + 1
  return { socket: text.slice(0, found.index), options: parseOptions(inside, text, offset) }
}

export const NO_OPTIONS: SubscriptionOptions = Object.freeze({ policy: {}, text: '' })

/** Parses `name=value` words. Throws AddressError about `whole`, in which the words begin at `offset`. */
export function parseOptions(words: string, whole = words, offset = 0): SubscriptionOptions {
  const draft: Draft = {}
  const texts = new Map<string, string>()
  for (const { 0: word, index } of words.matchAll(/[^ \t]+/g)) {
    const [name = '', ...rest] = word.split('=')
    const option = OPTIONS.find(one => one.name === name)
    if (option === undefined) throw unknownOption(name, whole, offset + index)
    if (texts.has(name)) throw new AddressError(`the option ${name} is given twice`, whole, offset + index)
    try {
      option.read(rest.join('='), draft)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new AddressError(`the option ${name} is ${cause.message}`, whole, offset + index)
    }
    texts.set(name, word)
  }
  const { format, ...policy } = draft
  const text = OPTIONS.flatMap(({ name }) => texts.get(name) ?? []).join(' ')
  return { ...(format === undefined ? {} : { format }), policy, text }
}

function unknownOption(name: string, whole: string, offset: number): AddressError {
  const known = OPTIONS.map(option => option.name).join(', ')
  return new AddressError(`there is no option "${name}"; expected one of ${known}`, whole, offset)
}

function count(text: string, least: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least)) throw new RangeError(`a number from ${least} on, not "${text}"`)
  return value
}

function scaled(text: string, units: Readonly<Record<string, number>>, wanted: string): number {
  const found = /^(\d{1,12})([a-z]*)$/i.exec(text)
  const unit = units[(found?.[2] ?? '?').toLowerCase()]
  const value = unit === undefined ? 0 : Number(found?.[1]) * unit
  if (value <= 0) throw new RangeError(`${wanted}, not "${text}"`)
  return value
}

function overflow(text: string): Overflow {
  const coalesce = /^coalesce\((.*)\)$/.exec(text)
  if (coalesce !== null) return { coalesce: fieldName(coalesce[1] ?? '') }
  return oneOf(['drop-oldest', 'drop-newest', 'spool'] as const, text, ', coalesce(field)')
}

function fieldName(text: string): string {
  if (!/^[\w.<>-]{1,64}$/.test(text)) throw new RangeError(`the name of a field, not "${text}"`)
  return text
}

function oneOf<T extends string>(known: readonly T[], text: string, more = ''): T {
  const found = known.find(one => one === text)
  if (found === undefined) throw new RangeError(`one of ${known.join(', ')}${more}, not "${text}"`)
  return found
}
