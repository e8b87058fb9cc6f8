/** One set of a selection. */
export interface SetChoice {
  readonly setId: number
  readonly algorithm: number
  /** Most alternatives of this set; null: as the call says. */
  readonly most: number | null
}

/** What the first two arguments of `ds_select_dst()` ask for. */
export interface WrittenSelection {
  /** Named in front of the sets, as 2.x wrote it; null where it is not. */
  readonly partition: string | null
  readonly sets: readonly SetChoice[]
}

/**
 * Reads sets and algorithms:
 *
 *     sets       = [ partition ":" ] set *( "," set )
 *     set        = number [ ":" most ]
 *     algorithms = number *( "," number )                  ; the last one also stands for the sets behind it
 *
 * Gives the text of a fault where they are something else.
 */
export function parseSelection(sets: string, algorithms: string): WrittenSelection | string {
  const numbers = algorithms.split(',').map(text => text.trim())
  const wrong = numbers.find(text => !/^\d+$/.test(text))
  if (wrong !== undefined) return `expected the number of an algorithm, got "${wrong}"`
  const { partition, rest } = splitPartition(sets)
  const choices: SetChoice[] = []
  for (const [i, text] of rest.split(',').entries()) {
    const parts = /^\s*(\d+)\s*(?::\s*(\d+)\s*)?$/.exec(text)
    if (parts === null) return `expected the number of a set, got "${text.trim()}"`
    const algorithm = Number(numbers[Math.min(i, numbers.length - 1)])
    choices.push({ setId: Number(parts[1]), algorithm, most: parts[2] === undefined ? null : Number(parts[2]) })
  }
  return { partition, sets: choices }
}

/** `name:rest`, where the name is no number. */
export function splitPartition(text: string): { readonly partition: string | null; readonly rest: string } {
  const parts = /^\s*([^\s:,]*[^\s:,\d][^\s:,]*)\s*:(.*)$/s.exec(text)
  return parts === null ? { partition: null, rest: text } : { partition: parts[1] ?? null, rest: parts[2] ?? '' }
}

/** What the flags of a selection switch on. */
export interface SelectFlags {
  /** `f`: keep what else there is for ds_next_dst(). */
  readonly failover: boolean
  /** `u`: hash the user parts of URIs only. */
  readonly userOnly: boolean
  /** `d`: the last destination of a set is for when nothing else is left. */
  readonly lastResort: boolean
  /** `a`: add to what an earlier selection kept. */
  readonly append: boolean
  /** Most alternatives, as 2.x wrote it among the flags; null where it is not. */
  readonly most: number | null
}

/** Reads flags: letters, of which `F`, `U` and `D` switch off, and a number. Gives the text of a fault where they are something else. */
export function parseFlags(text: string, usual: SelectFlags): SelectFlags | string {
  const flags = { ...usual }
  for (const item of text.match(/\d+|\S/g) ?? []) {
    if (/\d/.test(item)) flags.most = Number(item)
    else if (item === 'f' || item === 'F') flags.failover = item === 'f'
    else if (item === 'u' || item === 'U') flags.userOnly = item === 'u'
    else if (item === 'd' || item === 'D') flags.lastResort = item === 'd'
    else if (item === 'a') flags.append = true
    else return `unknown flag "${item}", expected f, u, d, a (F, U, D switch off) or a number`
  }
  return flags
}
