import { parseArgs } from 'node:util'
import { type CliCommand, UsageError } from './command.ts'
import { callMi, readable } from './mi-call.ts'
import { DEFAULT_URL, parseTarget } from './mi-client.ts'

const usage = 'spool [list | show | retry [ID] | purge [ID]] [--url URL] [--user NAME:PASSWORD] [--json]'

/** What each word asks of the proxy. */
const COMMANDS: Readonly<Record<string, string>> = {
  list: 'evi:spool',
  show: 'evi:dead_letters',
  retry: 'evi:retry',
  purge: 'evi:purge',
}

/** `fanfare spool`: what waits on disk and for whom, and the events that were refused for good. */
const spool: CliCommand = {
  usage,
  summary: 'Lists what waits on disk; shows, sends again or forgets the events that were refused for good.',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        url: { type: 'string', default: DEFAULT_URL },
        user: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const [word = 'list', id, ...more] = positionals
    const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
    const takesId = word === 'retry' || word === 'purge'
    if (command === undefined || more.length > 0 || (id !== undefined && !takesId))
      throw new UsageError(`usage: fanfare ${usage}`)
    const target = parseTarget(values.url, values.user, '/tmp/')
    return callMi(target, command, id === undefined ? undefined : { id }, io, values.json ? JSON.stringify : readable)
  },
}

export default spool
