/** Nodes a new tree has room for; it grows by doubling. */
const FIRST_SIZE = 16
const DIGITS = '0123456789'

/**
 * Values under prefixes of numbers. The nodes stand in one array of integers, one slot for each character of the alphabet, so
 * that a hundred thousand prefixes cost some megabytes and a lookup as many steps as the prefix has characters.
 */
export class PrefixTree<T> {
  readonly #columns: ReadonlyMap<number, number>
  readonly #width: number
  /** Of node n, from `n * width`: the child for each character, 0 for none. Then, last, the index of its value plus one. */
  #nodes: Int32Array
  #count = 1
  readonly #values: T[] = []

  /** The alphabet is the digits and `extra`. */
  constructor(extra = '') {
    const alphabet = [...new Set(DIGITS + extra)]
    this.#columns = new Map(alphabet.map((char, i) => [char.charCodeAt(0), i]))
    this.#width = alphabet.length + 1
    this.#nodes = new Int32Array(FIRST_SIZE * this.#width)
  }

  /** Whether every character of a prefix is one of the alphabet. */
  accepts(prefix: string): boolean {
    for (let i = 0; i < prefix.length; i++) if (!this.#columns.has(prefix.charCodeAt(i))) return false
    return true
  }

  /** The value of exactly this prefix. */
  get(prefix: string): T | undefined {
    let node = 0
    for (let i = 0; i < prefix.length; i++) {
      const column = this.#columns.get(prefix.charCodeAt(i))
      node = column === undefined ? 0 : (this.#nodes[node * this.#width + column] ?? 0)
      if (node === 0) return undefined
    }
    return this.#valueOf(node)
  }

  /** Puts a value under a prefix that the tree accepts, in the place of the one there was. */
  set(prefix: string, value: T): void {
    let node = 0
    for (let i = 0; i < prefix.length; i++) node = this.#child(node, prefix.charCodeAt(i))
    const at = node * this.#width + this.#width - 1
    const known = this.#nodes[at] ?? 0
    if (known > 0) this.#values[known - 1] = value
    else this.#nodes[at] = this.#values.push(value)
  }

  /**
   * The values of the prefixes of a number, the longest first. Where a character is met on the way down that is none of the
   * alphabet, only that of the empty prefix.
   */
  match(number: string): T[] {
    const found: T[] = []
    let node = 0
    for (let i = 0; ; i++) {
      const value = this.#valueOf(node)
      if (value !== undefined) found.push(value)
      if (i === number.length || !this.#hasChildren(node)) return found.reverse()
      const column = this.#columns.get(number.charCodeAt(i))
      if (column === undefined) return this.#onlyEmpty()
      node = this.#nodes[node * this.#width + column] ?? 0
      if (node === 0) return found.reverse()
    }
  }

  #onlyEmpty(): T[] {
    const value = this.#valueOf(0)
    return value === undefined ? [] : [value]
  }

  #valueOf(node: number): T | undefined {
    const index = this.#nodes[node * this.#width + this.#width - 1] ?? 0
    return index === 0 ? undefined : this.#values[index - 1]
  }

  #hasChildren(node: number): boolean {
    const start = node * this.#width
    for (let i = start; i < start + this.#width - 1; i++) if (this.#nodes[i] !== 0) return true
    return false
  }

  #child(node: number, char: number): number {
    const column = this.#columns.get(char)
    if (column === undefined) throw new RangeError(`"${String.fromCharCode(char)}" is not in the alphabet of the tree`)
    const at = node * this.#width + column
    const known = this.#nodes[at] ?? 0
    if (known > 0) return known
    const made = this.#count++
    if (this.#count * this.#width > this.#nodes.length) this.#grow()
    this.#nodes[at] = made
    return made
  }

  #grow(): void {
    const grown = new Int32Array(this.#nodes.length * 2)
    grown.set(this.#nodes)
    this.#nodes = grown
  }
}
