import { parseArgs } from 'node:util'
import { checkFile } from '../main.ts'
import { type CliCommand, type CliIo, UsageError } from './command.ts'

/** Compiles a configuration and prints everything that is wrong with it; starts nothing. */
export async function checkAndReport(file: string, io: CliIo): Promise<number> {
  const { errors, text } = await checkFile(file)
  io.stderr.write(text)
  if (errors === 0) io.stdout.write('config file ok, exiting...\n')
  return errors === 0 ? 0 : 1
}

const check: CliCommand = {
  usage: 'check FILE',
  summary: 'Finds every error in a configuration; starts nothing. Exit status 1 when there is one.',
  run: async (argv, io) => {
    const { positionals } = parseArgs({ args: [...argv], options: {}, allowPositionals: true })
    const [file] = positionals
    if (file === undefined || positionals.length > 1) throw new UsageError('check needs one configuration file')
    return await checkAndReport(file, io)
  },
}
export default check
