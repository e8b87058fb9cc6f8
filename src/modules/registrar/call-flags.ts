import type { Log } from '../../log/log.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { type FlagTable, parseFlags } from './flag-text.ts'

/**
 * Reads the flags of one call: known at load, and faults reported there, where the text is constant. Else the text is
 * read for each message, and gives null, after logging why, where it is wrong. `toFlags` gives a text for a fault.
 */
export function flagReader<T extends FlagTable, F extends object>(
  text: Arg<string> | undefined,
  table: T,
  toFlags: (given: ReadonlyMap<keyof T & string, string>) => F | string,
  log: Log,
): (m: RouteContext) => F | null {
  const parse = (current: string): F | string => {
    const given = parseFlags(current, table)
    return typeof given === 'string' ? given : toFlags(given)
  }
  const constant = text === undefined ? '' : text.constant
  if (constant !== undefined) {
    const flags = parse(constant)
    if (typeof flags !== 'string') return () => flags
    return text?.reject(flags) ?? (() => null)
  }
  let lastText: string | undefined
  let lastFlags: F | null = null
  return m => {
    const current = text?.read(m) ?? ''
    if (current === lastText) return lastFlags
    const flags = parse(current)
    if (typeof flags === 'string') log.error('Flags are not understood', { flags: current, fault: flags })
    lastText = current
    lastFlags = typeof flags === 'string' ? null : flags
    return lastFlags
  }
}
