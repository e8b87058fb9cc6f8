import { setImmediate as turn } from 'node:timers/promises'
import { SLICE } from '../util/in-slices.ts'

/** Results of commands are not nested deeper; what is, is written in one go. */
const MAX_DEPTH = 8

/** Objects and elements of lists in a value; what is more than a slice counts as one more. */
function weightOf(value: unknown, most = SLICE + 1): number {
  if (!isContainer(value)) return 0
  let weight = Array.isArray(value) ? value.length : 1
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (weight >= most) return most
    weight += weightOf(member, most - weight)
  }
  return weight
}

/** An object or list that JSON.stringify writes member by member. */
const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !('toJSON' in value)

/** Whether a value is so large that writing it in one go would keep others waiting. */
export const isLong = (value: unknown): boolean => weightOf(value) > SLICE

/**
 * What JSON.stringify gives of an object, written so many elements at a time with a turn of the event loop in between.
 * `isPretty`: indented by tabs. Rejects with what JSON.stringify throws.
 */
export async function longText(value: object, isPretty: boolean): Promise<string> {
  const writer = new LongWriter(isPretty)
  await writer.write(value, '\n')
  return writer.text
}

class LongWriter {
  readonly #isPretty: boolean
  readonly #parts: string[] = []
  #depth = 0

  constructor(isPretty: boolean) {
    this.#isPretty = isPretty
  }

  get text(): string {
    return this.#parts.join('')
  }

  /** `line` begins a line as deep as the value is. */
  async write(value: unknown, line: string): Promise<void> {
    if (!isContainer(value) || this.#depth === MAX_DEPTH || !isLong(value)) {
      this.#parts.push(this.#textOf(value, line))
      return
    }
    this.#depth++
    if (Array.isArray(value)) await this.#writeElements(value, line)
    else await this.#writeMembers(value, line)
    this.#depth--
  }

  async #writeMembers(object: object, line: string): Promise<void> {
    const inner = `${line}\t`
    let mark = '{'
    for (const [name, member] of Object.entries(object)) {
      // JSON.stringify leaves it out.
      if (NO_JSON.has(typeof member)) continue
      this.#parts.push(this.#isPretty ? `${mark}${inner}${JSON.stringify(name)}: ` : `${mark}${JSON.stringify(name)}:`)
      await this.write(member, inner)
      mark = ','
    }
    this.#parts.push(this.#isPretty ? `${line}}` : '}')
  }

  /** Light elements together, as many as make a slice; each that is long by itself. */
  async #writeElements(elements: readonly unknown[], line: string): Promise<void> {
    let mark = '['
    let slice: unknown[] = []
    let weight = 0
    const writeSlice = async (): Promise<void> => {
      if (slice.length === 0) return
      // Without its brackets, and without the line of the closing one.
      this.#parts.push(mark, this.#textOf(slice, line).slice(1, this.#isPretty ? -line.length - 1 : -1))
      mark = ','
      slice = []
      weight = 0
      await turn()
    }
    for (const element of elements) {
      const own = 1 + weightOf(element)
      if (weight + own > SLICE) await writeSlice()
      if (own <= SLICE) {
        slice.push(element)
        weight += own
        continue
      }
      this.#parts.push(this.#isPretty ? `${mark}${line}\t` : mark)
      await this.write(element, `${line}\t`)
      mark = ','
    }
    await writeSlice()
    this.#parts.push(this.#isPretty ? `${line}]` : ']')
  }

  #textOf(value: unknown, line: string): string {
    if (!this.#isPretty) return JSON.stringify(value)
    // There is no line end within a text of JSON.
    return JSON.stringify(value, null, '\t').replaceAll('\n', line)
  }
}

const NO_JSON: ReadonlySet<string> = new Set(['undefined', 'function', 'symbol'])
