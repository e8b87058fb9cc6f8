/** What a queue does with a key that is in it already. */
export const AddMode = { always: 0, keepOldest: 1, keepNewest: 2 } as const
export type AddMode = (typeof AddMode)[keyof typeof AddMode]

/** When a queue is read from its table and written to it: bits. */
export const StoreMode = { load: 2, save: 1 } as const

/** How a queue is set up. */
export interface QueueSettings {
  readonly name: string
  /** Most items. */
  readonly size: number
  readonly addMode: AddMode
  /** Bits of {@link StoreMode}. */
  readonly store: number
}

export interface Item {
  readonly key: string
  readonly value: string
}

/** Most items of a queue that has no size of its own. */
export const USUAL_SIZE = 1_000_000
/** Items taken out before the ones behind them are moved up. */
const COMPACT_FROM = 1024

/** Items in the order in which they were added; where there are too many the oldest makes room. */
export class Queue {
  readonly settings: QueueSettings
  #items: (Item | undefined)[] = []
  #first = 0
  /** Where the item of a key is, counted from the first ever; only where keys are unique. */
  readonly #places = new Map<string, number>()
  #removed = 0
  #holes = 0

  constructor(settings: QueueSettings) {
    this.settings = settings
  }

  get size(): number {
    return this.#items.length - this.#first - this.#holes
  }

  add(item: Item): void {
    const { addMode, size } = this.settings
    const place = addMode === AddMode.always ? undefined : this.#places.get(item.key)
    if (place !== undefined) {
      if (addMode === AddMode.keepOldest) return
      this.#items[place - this.#removed] = undefined
      this.#holes++
    }
    if (this.size >= size) this.take()
    this.#items.push(item)
    if (addMode !== AddMode.always) this.#places.set(item.key, this.#removed + this.#items.length - 1)
  }

  /** The oldest item, taken out. */
  take(): Item | undefined {
    while (this.#first < this.#items.length) {
      const item = this.#items[this.#first]
      this.#items[this.#first] = undefined
      this.#first++
      if (item === undefined) {
        this.#holes--
        continue
      }
      if (this.settings.addMode !== AddMode.always) this.#places.delete(item.key)
      this.#compact()
      return item
    }
    this.#compact()
    return undefined
  }

  /** Every item, the oldest first. */
  items(): readonly Item[] {
    return this.#items.slice(this.#first).filter(item => item !== undefined)
  }

  #compact(): void {
    if (this.#first < COMPACT_FROM && this.#first < this.#items.length) return
    if (this.#first * 2 < this.#items.length) return
    this.#items.splice(0, this.#first)
    this.#removed += this.#first
    this.#first = 0
  }
}

/** Reads `name=…;size=…;dbmode=…;addmode=…`. Throws an Error that says what is wrong. */
export function parseQueue(text: string): QueueSettings {
  const given = new Map<string, string>()
  for (const item of text.split(';')) {
    if (item.trim() === '') continue
    const [, key = '', value = ''] = /^\s*(name|size|dbmode|addmode)\s*=\s*(\S+)\s*$/.exec(item) ?? []
    if (key === '')
      throw new Error(`mqueue "${text}": expected name=, size=, dbmode= or addmode=, got "${item.trim()}"`)
    given.set(key, value)
  }
  const name = given.get('name')
  if (name === undefined || !/^[A-Za-z_][\w.-]*$/.test(name)) throw new Error(`mqueue "${text}": expected name=name`)
  const number = (key: string, most: number): number => {
    const value = given.get(key) ?? '0'
    if (!/^\d{1,9}$/.test(value) || Number(value) > most)
      throw new Error(`mqueue "${text}": ${key}: expected a number from 0 to ${most}, got "${value}"`)
    return Number(value)
  }
  const size = number('size', 999_999_999)
  // 1 load and save, 2 load, 3 save.
  const store = [0, StoreMode.load | StoreMode.save, StoreMode.load, StoreMode.save][number('dbmode', 3)] ?? 0
  return { name, size: size === 0 ? USUAL_SIZE : size, addMode: number('addmode', 2) as AddMode, store }
}
