import { compileEre, EreError } from '../../script/ere.ts'

/** Flags of `lookup()`. */
export const lookupFlagTable = {
  'no-branches': { letter: 'b', value: 'none' },
  'to-branches-only': { letter: 'B', value: 'none' },
  branch: { letter: 'r', value: 'none' },
  'method-filtering': { letter: 'm', value: 'none' },
  'ua-filtering': { letter: 'u', value: 'pattern' },
  'case-insensitive': { letter: 'i', value: 'none' },
  'extended-regexp': { letter: 'e', value: 'none' },
  global: { letter: 'g', value: 'none' },
  'max-ping-latency': { letter: 'y', value: 'number' },
  'sort-by-latency': { letter: 'Y', value: 'none' },
} as const

export interface LookupFlags {
  readonly noBranches: boolean
  readonly onlyBranches: boolean
  /** Also look up the URIs of the branches there are. */
  readonly eachBranch: boolean
  readonly byMethod: boolean
  readonly userAgent: RegExp | null
  /** Leave out contacts whose pings take longer, µs; 0: none. */
  readonly mostLatencyUs: number
  readonly sortByLatency: boolean
}

/** Gives a text that says what is wrong where the pattern for user agents is none. */
export function toLookupFlags(given: ReadonlyMap<keyof typeof lookupFlagTable, string>): LookupFlags | string {
  const pattern = given.get('ua-filtering')
  const userAgent = pattern === undefined ? null : userAgentPattern(pattern, given.has('case-insensitive'))
  if (typeof userAgent === 'string') return userAgent
  return {
    noBranches: given.has('no-branches'),
    onlyBranches: given.has('to-branches-only'),
    eachBranch: given.has('branch'),
    byMethod: given.has('method-filtering'),
    userAgent,
    mostLatencyUs: Number(given.get('max-ping-latency') ?? 0),
    sortByLatency: given.has('sort-by-latency'),
  }
}

/** Patterns are extended ones with or without the flag that asks for it. */
function userAgentPattern(pattern: string, ignoreCase: boolean): RegExp | string {
  try {
    return compileEre(pattern, { ignoreCase, newline: false })
  } catch (error) {
    if (error instanceof EreError) return error.message
    throw error
  }
}
