import type { Reporter } from 'vitest/node'

/** Ends the summary with the brokers that were not there, so that skipped tests are never taken for passed ones. */
export default class SkippedBrokers implements Reporter {
  onTestRunEnd(): void {
    const missing = process.env['FANFARE_MISSING_BROKERS']
    if (missing !== undefined) process.stdout.write(`\nSkipped for want of a broker: ${missing}\n`)
  }
}
