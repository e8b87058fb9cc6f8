import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * Ends the summary with the brokers that were not there, so that skipped tests are never taken for passed ones, and with
 * one plain line, `N passed, N failed`, for people and programs that read nothing else.
 */
export default class SkippedBrokers implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[] = [], _reason?: TestRunEndReason): void {
    const missing = process.env['FANFARE_MISSING_BROKERS']
    if (missing !== undefined) process.stdout.write(`\nSkipped for want of a broker: ${missing}\n`)
    process.stdout.write(`${tally(modules, errors.length)}\n`)
  }
}

/** A file that could not be run, and an error outside of all tests, are failures too. */
function tally(modules: readonly TestModule[], stray: number): string {
  const count = { passed: 0, failed: stray, skipped: 0 }
  for (const module of modules) {
    count.failed += module.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      count[state === 'pending' ? 'skipped' : state]++
    }
  }
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
  return `${count.passed} passed, ${count.failed} failed${skipped}`
}
