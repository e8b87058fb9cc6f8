import { compilePerlRegex, type PerlOptions } from '../../util/perl-regex.ts'

/** Bounds of a file of groups. */
export interface GroupLimits {
  readonly groups: number
  /** Bytes of the patterns of one. */
  readonly bytes: number
}

/**
 * Reads a file of regular expressions in groups:
 *
 *     file  = *( line LF )
 *     line  = "[" number "]" / pattern / "#" comment / blanks      ; a group matches what one of its patterns does
 *
 * Patterns before the first group are of group 0. Throws an Error that names every line at fault, as `file:line`.
 */
export function parseGroups(
  text: string,
  file: string,
  limits: GroupLimits,
  options: PerlOptions,
): ReadonlyMap<number, readonly RegExp[]> {
  const groups = new Map<number, RegExp[]>()
  const sizes = new Map<number, number>()
  const faults: string[] = []
  let current = 0
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const written = line.trim()
    if (written === '' || written.startsWith('#')) continue
    const number = /^\[(\d+)\]$/.exec(written)?.[1]
    if (number !== undefined) {
      current = Number(number)
      if (current >= limits.groups)
        faults.push(`${file}:${i + 1}: expected a group below ${limits.groups} (max_groups)`)
      continue
    }
    const size = (sizes.get(current) ?? 0) + Buffer.byteLength(written)
    sizes.set(current, size)
    if (size > limits.bytes)
      faults.push(`${file}:${i + 1}: group ${current} is longer than ${limits.bytes} bytes (group_max_size)`)
    try {
      groups.set(current, [...(groups.get(current) ?? []), compilePerlRegex(written, options)])
    } catch (error) {
      faults.push(`${file}:${i + 1}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return groups
}
