import { parseArgs } from 'node:util'
import type { ScriptLocation } from '../module/read-script.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'

/** Compiles a configuration and prints everything that is wrong with it; starts nothing. Gives whether it can be run. */
export async function checkAndReport(location: ScriptLocation, io: CliIo): Promise<boolean> {
  // Not above: the other commands need no module of the proxy, and loading them all takes its time.
  const { checkFile } = await import('../main.ts')
  const { errors, text } = await checkFile(location)
  io.stderr.write(text)
  if (errors > 0) io.stderr.write(`${location.file}: ${errors === 1 ? '1 error' : `${errors} errors`}\n`)
  return errors === 0
}

const check: CliCommand = {
  usage: 'check FILE',
  summary: 'Finds every error in a configuration; starts nothing. Exit status 1 when there is one.',
  run: async (argv, io) => {
    const { positionals } = parseArgs({ args: [...argv], options: {}, allowPositionals: true })
    const [file] = positionals
    if (file === undefined || positionals.length > 1) throw new UsageError('check needs one configuration file')
    if (!(await checkAndReport({ file }, io))) return 1
    io.stdout.write(`${file}: no errors\n`)
    return 0
  },
}
export default check
