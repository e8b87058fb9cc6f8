import { parseArgs } from 'node:util'
import { type CliCommand, UsageError } from './command.ts'

const test: CliCommand = {
  usage: 'test FILE.test|FILE.test.ts|FILE.cfg|FOLDER… [--filter TEXT] [--json]',
  summary:
    'Runs tests of configurations: SIP in, SIP and events out, on a clock of their own. Exit status 1 when one fails, 2 ' +
    'when one cannot be run. See docs/testing.md.',
  run: async (argv, io) => {
    const { positionals, values } = parseArgs({
      args: [...argv],
      options: { filter: { type: 'string' }, json: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    if (positionals.length === 0)
      throw new UsageError('test needs a file of tests, a configuration with tests beside it, or a folder')
    const { runTests } = await import('../testing/run-files.ts')
    const { jsonReporter, textReporter } = await import('../testing/report.ts')
    const write = (text: string): void => void io.stdout.write(text)
    const reporter = values.json ? jsonReporter(write) : textReporter(write)
    const { failed, broken } = await runTests({ paths: positionals, filter: values.filter }, reporter)
    if (broken > 0) return 2
    return failed > 0 ? 1 : 0
  },
}
export default test
