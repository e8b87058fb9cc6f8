/** Where a step of a test stands. */
export interface StepPlace {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** `file:line:column`. */
export const placeText = ({ file, line, column }: StepPlace): string => `${file}:${line}:${column}`

/** Something a test expects did not come true. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError'
  readonly code = 'E_EXPECTATION'
  /** What should have been, one line or several. */
  readonly expected: string
  /** What was instead. */
  readonly came: string

  constructor(expected: string, came: string) {
    super(`expected ${expected}, came ${came}`)
    this.expected = expected
    this.came = came
  }
}

/** A test, or the script it is for, cannot be run at all: said to people as it is. */
export class TestSetupError extends Error {
  override readonly name = 'TestSetupError'
  readonly code = 'E_TEST_SETUP'
}
