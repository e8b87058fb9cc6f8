import { parseArgs } from 'node:util'
import { type CliCommand, UsageError } from './command.ts'
import { callMi, readable } from './mi-call.ts'
import { DEFAULT_URL, parseTarget } from './mi-client.ts'

const usage =
  'replay --from TIME [--to TIME] [--event NAME] [--filter CONDITIONS] [--to-subscription SOCKET] [--rate N] [--url URL] [--user NAME:PASSWORD]'

/** `fanfare replay`: sends events that are still in the spool once more, under the ids they had. */
const replay: CliCommand = {
  usage,
  summary: 'Sends events that are still on disk once more: TIME is a date or seconds since 1970, N events a second.',
  async run(argv, io) {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        event: { type: 'string' },
        filter: { type: 'string' },
        'to-subscription': { type: 'string' },
        rate: { type: 'string' },
        url: { type: 'string', default: DEFAULT_URL },
        user: { type: 'string' },
      },
    })
    const { from, to, event, filter, 'to-subscription': socket, rate, url, user } = values
    if (from === undefined) throw new UsageError(`from when on? usage: fanfare ${usage}`)
    return callMi(
      parseTarget(url, user, '/tmp/'),
      'evi:replay',
      { from, to, event, filter, socket, rate },
      io,
      readable,
    )
  },
}

export default replay
