import type { Location, MatchingMode } from './location.ts'
import type { PathMode } from './path.ts'

/** Flags of `save()`. Longer letters stand before those they begin with. */
export const saveFlagTable = {
  'memory-only': { letter: 'm', value: 'none' },
  'no-reply': { letter: 'r', value: 'none' },
  'max-contacts': { letter: 'c', value: 'number' },
  'force-registration': { letter: 'f', value: 'none' },
  'matching-mode': { letter: 'M', value: 'name' },
  'path-off': { letter: 'p0', value: 'none' },
  'path-lazy': { letter: 'p1', value: 'none' },
  'path-strict': { letter: 'p2', value: 'none' },
  'path-received': { letter: 'v', value: 'none' },
  'only-request-contacts': { letter: 'o', value: 'none' },
  'socket-header': { letter: 's', value: 'none' },
  'min-expires': { letter: 'e', value: 'number' },
  'max-expires': { letter: 'E', value: 'number' },
} as const

export interface SaveFlags {
  readonly memoryOnly: boolean
  readonly noReply: boolean
  readonly force: boolean
  readonly onlyRequested: boolean
  readonly socketHeader: boolean
  readonly pathReceived: boolean
  readonly path: PathMode
  readonly matching: MatchingMode
  /** 0: no limit. */
  readonly mostContacts: number
  readonly leastExpiresS: number
  /** 0: no limit. */
  readonly mostExpiresS: number
}

/** What holds where a call sets no flag: from the parameters of the module. */
export interface SaveDefaults {
  readonly path: PathMode
  readonly pathReceived: boolean
  readonly mostContacts: number
  readonly leastExpiresS: number
  readonly mostExpiresS: number
}

export function toSaveFlags(
  given: ReadonlyMap<keyof typeof saveFlagTable, string>,
  defaults: SaveDefaults,
  location: Location,
): SaveFlags {
  const numberOf = (name: keyof typeof saveFlagTable, dflt: number): number => Number(given.get(name) ?? dflt)
  const matching = given.get('matching-mode')
  return {
    memoryOnly: given.has('memory-only'),
    noReply: given.has('no-reply'),
    force: given.has('force-registration'),
    onlyRequested: given.has('only-request-contacts'),
    socketHeader: given.has('socket-header'),
    pathReceived: given.has('path-received') || defaults.pathReceived,
    path: pathMode(given) ?? defaults.path,
    matching: matching === undefined ? location.matching : location.matchingMode(matching),
    mostContacts: numberOf('max-contacts', defaults.mostContacts),
    leastExpiresS: numberOf('min-expires', defaults.leastExpiresS),
    mostExpiresS: numberOf('max-expires', defaults.mostExpiresS),
  }
}

function pathMode(given: ReadonlyMap<keyof typeof saveFlagTable, string>): PathMode | undefined {
  if (given.has('path-strict')) return 'strict'
  if (given.has('path-lazy')) return 'lazy'
  return given.has('path-off') ? 'off' : undefined
}
