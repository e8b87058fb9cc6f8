import type { TestCase } from './test-case.ts'

/** Where the tests of the file that is being read go; one for the process, however often this file is loaded. */
const COLLECTING = Symbol.for('fanfare.test.collecting')
const shared = globalThis as { [COLLECTING]?: TestCase[] | undefined }

/** Reads a file of tests by `load` and gives the tests it adds. Files are read one after the other. */
export async function collectScenarios(load: () => Promise<unknown>): Promise<readonly TestCase[]> {
  const collected: TestCase[] = []
  shared[COLLECTING] = collected
  try {
    await load()
    return collected
  } finally {
    shared[COLLECTING] = undefined
  }
}

/** Where tests are to be added now; undefined while no file of tests is read. */
export const collector = (): TestCase[] | undefined => shared[COLLECTING]
