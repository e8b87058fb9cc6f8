/** Where accounting goes to. */
export const AVAILABLE_TYPES = ['log', 'db', 'evi'] as const
export type AccType = (typeof AVAILABLE_TYPES)[number]

/** What is accounted beside answered transactions. */
export const ACC_FLAGS = ['cdr', 'missed', 'failed'] as const
export type AccFlag = (typeof ACC_FLAGS)[number]

/** Each type as a bit, so that some of them are a number. */
export const TYPE_BIT: Readonly<Record<AccType, number>> = { log: 1, db: 2, evi: 4 }
const LISTS: readonly (readonly AccType[])[] = Array.from({ length: 8 }, (_, mask) =>
  AVAILABLE_TYPES.filter(type => (mask & TYPE_BIT[type]) !== 0),
)
/** Of cdr 1, missed 2 and failed 4. */
const FLAG_LISTS: readonly (readonly AccFlag[])[] = Array.from({ length: 8 }, (_, mask) =>
  ACC_FLAGS.filter((_, i) => (mask & (1 << i)) !== 0),
)
const listOf = (mask: number): readonly AccType[] => LISTS[mask] ?? AVAILABLE_TYPES

/** Which types something is accounted with, and which flags each of them has. */
export class AccountedTypes {
  #types = 0
  #cdr = 0
  #missed = 0
  #failed = 0

  get all(): readonly AccType[] {
    return listOf(this.#types)
  }

  /** Those with a flag. */
  having(flag: AccFlag): readonly AccType[] {
    return listOf(this.mask(flag))
  }

  /** The same as bits. */
  mask(flag: AccFlag): number {
    return flag === 'cdr' ? this.#cdr : flag === 'missed' ? this.#missed : this.#failed
  }

  has(type: AccType, flag: AccFlag): boolean {
    return (this.mask(flag) & TYPE_BIT[type]) !== 0
  }

  flagsOf(type: AccType): readonly AccFlag[] {
    const bit = TYPE_BIT[type]
    const combination = (this.#cdr & bit ? 1 : 0) | (this.#missed & bit ? 2 : 0) | (this.#failed & bit ? 4 : 0)
    return FLAG_LISTS[combination] ?? ACC_FLAGS
  }

  add(type: AccType, flag: AccFlag | null = null): void {
    this.#types |= TYPE_BIT[type]
    if (flag !== null) this.#setMask(flag, this.mask(flag) | TYPE_BIT[type])
  }

  /** Takes a flag away, or the whole type. */
  remove(type: AccType, flag: AccFlag | null = null): void {
    if (flag === null) this.#types &= ~TYPE_BIT[type]
    for (const one of flag === null ? ACC_FLAGS : [flag]) this.#setMask(one, this.mask(one) & ~TYPE_BIT[type])
  }

  #setMask(flag: AccFlag, mask: number): void {
    if (flag === 'cdr') this.#cdr = mask
    else if (flag === 'missed') this.#missed = mask
    else this.#failed = mask
  }
}

const UNAVAILABLE: Readonly<Record<string, string>> = {
  aaa: 'accounting by RADIUS or Diameter is not supported; use "log", "db" or "evi"',
}

/** Reads `log|db|evi`. Gives a text that says what is wrong. */
export function parseTypes(text: string): readonly AccType[] | string {
  const types: AccType[] = []
  for (const word of wordsOf(text)) {
    const type = AVAILABLE_TYPES.find(known => known === word)
    if (type === undefined) return UNAVAILABLE[word] ?? `unknown accounting type "${word}"; expected log, db or evi`
    types.push(type)
  }
  return types.length > 0 ? types : 'no accounting type; expected log, db or evi'
}

/** Reads `cdr|missed|failed`; empty is none. Gives a text that says what is wrong. */
export function parseAccFlags(text: string): readonly AccFlag[] | string {
  const flags: AccFlag[] = []
  for (const word of wordsOf(text)) {
    const flag = ACC_FLAGS.find(known => known === word)
    if (flag === undefined) return `unknown accounting flag "${word}"; expected cdr, missed or failed`
    flags.push(flag)
  }
  return flags
}

function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split('|')
    .map(word => word.trim())
    .filter(word => word !== '')
}
