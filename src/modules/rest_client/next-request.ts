import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { RouteContext } from '../../script/context.ts'

/** Longest header that can be appended, bytes. */
const MAX_HEADER_BYTES = 1024
/** Most headers that one request can be given. */
const MAX_HEADERS = 64

/** What the script has said of its next request. */
export interface Prepared {
  readonly headers: Record<string, string | string[]>
  tlsDomain: string | null
}

/** Kept with the AVPs: `launch()` runs its call on a copy of the message that has the same ones. */
const prepared = new WeakMap<RouteContext['avps'], Prepared>()

function prepare(m: RouteContext): Prepared {
  const known = prepared.get(m.avps)
  if (known !== undefined) return known
  const fresh: Prepared = { headers: Object.create(null), tlsDomain: null }
  prepared.set(m.avps, fresh)
  return fresh
}

/** What was said for the request that is made now; it counts for this one only. */
export function takePrepared(m: RouteContext): Prepared {
  const known = prepare(m)
  prepared.delete(m.avps)
  return known
}

/** The next request connects with this TLS domain. */
export function useTlsDomain(m: RouteContext, name: string): void {
  prepare(m).tlsDomain = name
}

/** Adds `Name: value` to the next request. Throws an Error that says what is wrong with it. */
export function appendHeader(m: RouteContext, text: string): void {
  const line = text.trim()
  const colon = line.indexOf(':')
  if (colon <= 0) throw new Error(`"${line}": expected Name: value`)
  if (Buffer.byteLength(line) > MAX_HEADER_BYTES) throw new Error(`the header has more than ${MAX_HEADER_BYTES} bytes`)
  const name = line.slice(0, colon).trim()
  const value = line.slice(colon + 1).trim()
  validateHeaderName(name)
  validateHeaderValue(name, value)
  const { headers } = prepare(m)
  const key = name.toLowerCase()
  const known = headers[key]
  if (known === undefined && Object.keys(headers).length >= MAX_HEADERS)
    throw new Error(`more than ${MAX_HEADERS} headers for one request`)
  const all = known === undefined ? [] : [known].flat()
  if (all.length >= MAX_HEADERS) throw new Error(`more than ${MAX_HEADERS} headers for one request`)
  headers[key] = all.length === 0 ? value : [...all, value]
}
