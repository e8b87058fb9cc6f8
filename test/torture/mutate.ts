import { readdirSync, readFileSync } from 'node:fs'

const CORPUS = new URL('../fixtures/rfc4475/', import.meta.url)
/** Every message of RFC 4475. */
export const MESSAGES = readdirSync(CORPUS).map(file => readFileSync(new URL(file, CORPUS)))

/** Marsaglia's xorshift: the same numbers in every run. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const INTERESTING = [
  '\r\n',
  '\n',
  ' ',
  '\t',
  ',',
  ';',
  ':',
  '<',
  '>',
  '"',
  '\\',
  '(',
  '@',
  '%',
  '=',
  '\0',
  '\xff',
  '/',
  '?',
]

/** Bytes with up to four pieces put in, taken out, doubled or replaced, some of them by pieces of `others`. */
export function mutate(
  original: Buffer,
  random: (below: number) => number,
  others: readonly Buffer[] = MESSAGES,
): Buffer {
  let bytes = Buffer.from(original)
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(bytes.length)
    const length = random(20)
    const piece = Buffer.from(INTERESTING[random(INTERESTING.length)] ?? '', 'latin1')
    const other = others[random(others.length)] ?? piece
    const start = random(other.length)
    const changes = [
      () => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + 1)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
      () => Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), other.subarray(start, start + 4 * length), bytes.subarray(at)]),
      () => bytes.subarray(0, at + 1),
    ]
    bytes = Buffer.from(changes[random(changes.length)]?.() ?? bytes)
  }
  return bytes
}
