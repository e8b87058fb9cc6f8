import { createHash } from 'node:crypto'
import { readCheckedJson } from './checked-json.ts'

/** 48 bits that stand for the name of a cursor in records, so that a record finds its cursor without any other file. */
export const cursorKey = (name: string): number => createHash('sha256').update(name).digest().readUIntBE(0, 6)

const keyText = (key: number): string => key.toString(16).padStart(12, '0')
/** A cursor is written into two files in turn: one that was torn leaves the other. */
export const cursorFiles = (key: number): readonly [string, string] => [
  `${keyText(key)}.cursor-a`,
  `${keyText(key)}.cursor-b`,
]

const NAME = /^([0-9a-f]{12})\.cursor-[ab]$/

/** Key of the cursor by the name of one of its files; undefined for other files. */
export function keyOfCursorFile(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** What a cursor has settled, as it is kept on disk. */
export interface CursorFacts {
  readonly name: string
  /** Every record up to here is settled. */
  readonly low: number
  /** Settled records beyond that, ascending. */
  readonly beyond: readonly number[]
  /** Grows with every write. */
  readonly generation: number
}

/** The newer of two files that is whole; undefined when neither is. */
export function newestCursor(files: readonly (Buffer | undefined)[]): CursorFacts | undefined {
  let newest: CursorFacts | undefined
  for (const bytes of files) {
    // The checksum proves that these are our own words.
    const facts = bytes === undefined ? undefined : (readCheckedJson(bytes) as CursorFacts | undefined)
    if (facts !== undefined && facts.generation > (newest?.generation ?? -1)) newest = facts
  }
  return newest
}

/**
 * Which records of a cursor are settled. Records are handed out in ascending order and settled in any; memory is that of
 * the records handed out and not settled, and of those settled ahead of them.
 */
export class Settlements {
  /** Handed out and not settled, ascending. */
  readonly #open = new Set<number>()
  /** Settled, with an open one before them. */
  readonly #beyond: Set<number>
  /** Everything up to here has been handed out. */
  #handed: number

  constructor(low: number, beyond: readonly number[]) {
    this.#handed = low
    this.#beyond = new Set(beyond)
  }

  get openCount(): number {
    return this.#open.size
  }

  isSettled(number: number): boolean {
    return (number <= this.#handed && !this.#open.has(number)) || this.#beyond.has(number)
  }

  handOut(number: number): void {
    this.#open.add(number)
    this.#handed = Math.max(this.#handed, number)
  }

  /** Everything up to here that is the cursor's has been handed out. */
  passed(number: number): void {
    this.#handed = Math.max(this.#handed, number)
  }

  /** False when it was not open. */
  settle(number: number): boolean {
    const before = this.low
    if (!this.#open.delete(number)) return false
    const low = this.low
    if (number > low) this.#beyond.add(number)
    // Only when the first open one goes are those settled behind it let go of: once each.
    if (low > before) for (const settled of this.#beyond) if (settled <= low) this.#beyond.delete(settled)
    return true
  }

  /** Everything up to here counts as settled. */
  abandon(number: number): void {
    this.#open.clear()
    this.#beyond.clear()
    this.#handed = Math.max(this.#handed, number)
  }

  get low(): number {
    for (const first of this.#open) return first - 1
    return this.#handed
  }

  get beyond(): readonly number[] {
    const low = this.low
    return [...this.#beyond].filter(number => number > low).sort((a, b) => a - b)
  }
}
