import type { Frame } from './frame-reader.ts'

/** An event of a FreeSWITCH server. */
export interface FreeSwitchEvent {
  /** `Event-Name`; `CUSTOM` for those of modules. */
  readonly name: string
  /** `Event-Subclass`, '' without. */
  readonly subclass: string
  /** The whole event as a JSON object, as it came. */
  readonly body: string
  /** The value of a header of the event, '' without. */
  get(header: string): string
}

/** Reads the event a frame carries; null where it cannot be read. */
export function readEvent({ headers, body }: Frame): FreeSwitchEvent | null {
  return headers.get('content-type') === 'text/event-plain' ? fromPlain(body) : fromJson(body)
}

function fromJson(body: string): FreeSwitchEvent | null {
  const parsed = parsedObject(body)
  return parsed === null ? null : event(new Map(Object.entries(parsed)), body)
}

function parsedObject(text: string): object | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? parsed : null
  } catch {
    return null
  }
}

/** Headers of lines with percent-encoded values, and a body behind an empty line if they tell its length. */
function fromPlain(text: string): FreeSwitchEvent | null {
  const end = text.indexOf('\n\n')
  const lines = (end < 0 ? text : text.slice(0, end)).trim().split('\n')
  const values = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon <= 0) return null
    values.set(line.slice(0, colon).trim(), decoded(line.slice(colon + 1).trim()))
  }
  if (values.has('Content-Length') && end >= 0) values.set('_body', text.slice(end + 2))
  return event(values, JSON.stringify(Object.fromEntries(values)))
}

function event(values: ReadonlyMap<string, unknown>, body: string): FreeSwitchEvent | null {
  const get = (header: string): string => {
    const value = values.get(header)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const name = get('Event-Name')
  return name === '' ? null : { name, subclass: get('Event-Subclass'), body, get }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Whether a subscription to `wanted` is for this event. */
export function isWanted(wanted: string, { name, subclass }: FreeSwitchEvent): boolean {
  if (wanted === name || wanted === 'ALL') return true
  const blank = wanted.indexOf(' ')
  return blank > 0 && wanted.slice(0, blank) === name && wanted.slice(blank + 1) === subclass
}
