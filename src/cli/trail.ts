import { parseArgs } from 'node:util'
import { type CliCommand, UsageError } from './command.ts'
import { callMi } from './mi-call.ts'
import { DEFAULT_URL, parseTarget } from './mi-client.ts'

const usage = 'trail ID | trail callid=CALL-ID [--limit N] [--url URL] [--user NAME:PASSWORD] [--json]'

interface Trail {
  readonly Steps: readonly {
    readonly at: string
    readonly id: string
    readonly event: string
    readonly step: string
    readonly socket?: string
    readonly reason?: string
  }[]
}

/** `fanfare trail`: what became of an event, or of all events of a call. */
const trail: CliCommand = {
  usage,
  summary: 'Tells what became of an event, or of the events of a call: each attempt, its outcome and time.',
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        limit: { type: 'string' },
        url: { type: 'string', default: DEFAULT_URL },
        user: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const [word, ...more] = positionals
    if (word === undefined || more.length > 0) throw new UsageError(`usage: fanfare ${usage}`)
    const callId = /^callid=(.*)$/s.exec(word)?.[1]
    const which = callId === undefined ? { id: word } : { callid: callId }
    const target = parseTarget(values.url, values.user, '/tmp/')
    return callMi(target, 'evi:trail', { ...which, limit: values.limit }, io, values.json ? JSON.stringify : table)
  },
}

function table(result: unknown): string {
  const { Steps } = result as Trail
  if (Steps.length === 0) return 'nothing is remembered of it'
  return Steps.map(({ at, id, event, step, socket, reason }) =>
    [at, id, event, step, socket, reason].filter(part => part !== undefined).join('  '),
  ).join('\n')
}

export default trail
