import { parseArgs } from 'node:util'
import { type CliCommand, UsageError } from './command.ts'
import { callMi } from './mi-call.ts'
import { DEFAULT_URL, parseTarget } from './mi-client.ts'

const usage = 'explain EVENT [NAME=VALUE ...] [--url URL] [--user NAME:PASSWORD] [--json]'

interface Explanation {
  readonly Subscribers: readonly {
    readonly socket: string
    readonly gets: 0 | 1
    readonly why: string
    readonly health: string
    readonly queued: number
  }[]
}

/** `fanfare explain`: who would get an event with these values, and who would not and why. */
const explain: CliCommand = {
  usage,
  summary: 'Tells who would get an event with these values, and why; nothing is raised.',
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
    const [event, ...words] = positionals
    if (event === undefined) throw new UsageError(`which event? usage: fanfare ${usage}`)
    const params = Object.fromEntries(words.map(pair))
    const target = parseTarget(values.url, values.user, '/tmp/')
    return callMi(target, 'evi:explain', { event, params }, io, values.json ? JSON.stringify : table)
  },
}

function pair(word: string): [string, string | number] {
  const equals = word.indexOf('=')
  if (equals < 1) throw new UsageError(`expected NAME=VALUE, found "${word}"`)
  const value = word.slice(equals + 1)
  return [word.slice(0, equals), /^-?\d{1,15}$/.test(value) ? Number(value) : value]
}

function table(result: unknown): string {
  const { Subscribers } = result as Explanation
  if (Subscribers.length === 0) return 'nobody is subscribed'
  return Subscribers.map(
    ({ socket, gets, why, health, queued }) =>
      `${gets === 1 ? 'yes' : 'no '}  ${socket}  (${health}, ${queued} waiting)\n     ${why}`,
  ).join('\n')
}

export default explain
