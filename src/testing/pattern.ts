/** What a value is held against: equal text, or a regular expression that finds something in it. */
export type Pattern = string | number | RegExp

/** A test of one value, with what it asks for in words. */
export interface ValueTest {
  /** `is "x"`, `has "x"`, `matches /x/`; behind it nothing that a person would not read. */
  readonly text: string
  holds(value: string): boolean
}

/** The value is this text. */
export const is = (wanted: string): ValueTest => ({
  text: `is ${JSON.stringify(wanted)}`,
  holds: value => value === wanted,
})

/** The value has this text in it. */
export const has = (part: string): ValueTest => ({
  text: `has ${JSON.stringify(part)}`,
  holds: value => value.includes(part),
})

/** The expression finds something in the value. */
export const matches = (regex: RegExp): ValueTest => ({
  text: `matches ${regex}`,
  // One with the flags g or y would remember where it stopped.
  holds: value => value.search(regex) >= 0,
})

/** The test that a pattern stands for. */
export function testOf(pattern: Pattern | ValueTest): ValueTest {
  if (pattern instanceof RegExp) return matches(pattern)
  return typeof pattern === 'object' ? pattern : is(String(pattern))
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  is: (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** The words a number can be compared by. */
export const COMPARISON_WORDS: readonly string[] = Object.keys(COMPARISONS)

/** Compares two numbers; false for a word that is none of {@link COMPARISON_WORDS}. */
export const compare = (word: string, a: number, b: number): boolean => COMPARISONS[word]?.(a, b) ?? false
