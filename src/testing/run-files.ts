import { systemClock } from '../util/clock.ts'
import { TestSetupError } from './failure.ts'
import type { Reporter, RunSummary } from './report.ts'
import { runTest, type TestCase } from './test-case.ts'
import { findTestFiles, loadTests } from './test-files.ts'

/** Which tests are run. */
export interface RunOptions {
  /** Files of tests, configurations with tests beside them, folders. */
  readonly paths: readonly string[]
  /** Only tests whose title has this in it, in any case. */
  readonly filter?: string | undefined
}

/** Runs tests one after the other, and tells of each. Never rejects for what a test does. */
export async function runTests({ paths, filter }: RunOptions, reporter: Reporter): Promise<RunSummary> {
  const count = { passed: 0, failed: 0, broken: 0 }
  const startMs = systemClock.monotonicMs()
  const attempt = async <T>(act: () => T | Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof TestSetupError)) throw error
      count.broken += 1
      reporter.broken(error.message)
      return otherwise
    }
  }
  const files = new Set<string>()
  for (const path of paths) for (const file of await attempt(() => findTestFiles(path), [])) files.add(file)
  for (const file of files) {
    const tests = (await attempt(() => loadTests(file), [])).filter(test => isWanted(test, filter))
    if (tests.length > 0) reporter.beginFile(file)
    for (const test of tests) {
      const result = await runTest(test)
      count[result.outcome] += 1
      reporter.test(result)
    }
  }
  if (count.passed + count.failed + count.broken === 0) {
    count.broken += 1
    reporter.broken(filter === undefined ? 'there are no tests in these files' : `no test has "${filter}" in its title`)
  }
  const summary = { ...count, tookMs: systemClock.monotonicMs() - startMs }
  reporter.end(summary)
  return summary
}

const isWanted = ({ title }: TestCase, filter: string | undefined): boolean =>
  filter === undefined || title.toLowerCase().includes(filter.toLowerCase())
