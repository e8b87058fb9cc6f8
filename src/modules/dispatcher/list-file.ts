import { readFile } from 'node:fs/promises'
import { parseUri } from '../../sip/codec/uri.ts'
import type { DestinationData } from './destination.ts'
import { type DestinationSource, ListFlag } from './source.ts'

/** Destinations in a text file (`list_file`). */
export class ListFile implements DestinationSource {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async load(): Promise<readonly DestinationData[]> {
    return parseListFile(await readFile(this.#path, 'utf8'), this.#path)
  }
}

/**
 * Reads a list file (dispatcher reference, data sources):
 *
 *     line = [ setid uri [ flags [ weight [ attrs ] ] ] ] [ "#" comment ]      ; divided by blanks
 *
 * Flags are a decimal bit mask: 1 inactive, 2 probing. Throws an Error that names every line at fault, as `file:line`.
 */
export function parseListFile(text: string, file: string): readonly DestinationData[] {
  const faults: string[] = []
  const destinations = text.split(/\r?\n/).flatMap((line, i) => {
    const words = line
      .replace(/#.*$/, '')
      .split(/[ \t]+/)
      .filter(word => word !== '')
    if (words.length === 0) return []
    const found = parseWords(words)
    if (typeof found !== 'string') return [found]
    faults.push(`${file}:${i + 1}: ${found}`)
    return []
  })
  if (faults.length > 0) throw new Error(faults.slice(0, 20).join('\n'))
  return destinations
}

/** A destination, or what is wrong with the line. */
function parseWords(words: readonly string[]): DestinationData | string {
  const [setId = '', uri, flags = '0', weight = '1', attrs, extra] = words
  if (!/^-?\d+$/.test(setId)) return `expected the number of a set, got "${setId}"`
  if (uri === undefined) return 'expected a URI behind the number of the set'
  if (parseUri(uri) === null) return `expected a SIP URI, got "${uri}"`
  if (!/^\d+$/.test(flags)) return `expected flags as a number, got "${flags}"`
  if (!/^\d+$/.test(weight)) return `expected a weight as a number, got "${weight}"`
  if (extra !== undefined) return `attributes cannot hold blanks: got "${extra}" behind them`
  const mask = Number(flags)
  return {
    setId: Number(setId),
    uri,
    socketText: null,
    isInactive: (mask & ListFlag.inactive) !== 0,
    isProbing: (mask & ListFlag.probing) !== 0,
    isAlwaysProbed: false,
    weight: Number(weight),
    freeswitch: null,
    priority: 0,
    attrs: attrs ?? null,
    description: null,
  }
}
