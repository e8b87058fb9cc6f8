import { parseArgs } from 'node:util'
import { type CliCommand, UsageError } from './command.ts'
import { callMi } from './mi-call.ts'
import { DEFAULT_URL, parseTarget } from './mi-client.ts'

const usage = 'reconcile [--limit N] [--url URL] [--user NAME:PASSWORD] [--json]'

interface Reconciliation {
  readonly Hours: readonly {
    readonly hour: string
    readonly ended: number
    readonly raised: number
    readonly stored: number
    readonly Confirmed: readonly { readonly socket: string; readonly count: number }[]
  }[]
  readonly missing: number
  readonly Missing: readonly { readonly callid: string; readonly ended_at: string; readonly lacks: readonly string[] }[]
}

/** `fanfare reconcile`: calls ended against CDRs raised, stored and confirmed, by the hour, and what is missing. */
const reconcile: CliCommand = {
  usage,
  summary: 'Compares calls ended, CDRs raised, stored and confirmed by the hour, and lists what is missing.',
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
    if (positionals.length > 0) throw new UsageError(`usage: fanfare ${usage}`)
    const target = parseTarget(values.url, values.user, '/tmp/')
    return callMi(target, 'acc:reconcile', { limit: values.limit }, io, values.json ? JSON.stringify : table)
  },
}

function table(result: unknown): string {
  const { Hours, missing, Missing } = result as Reconciliation
  if (Hours.length === 0) return 'no accounted call has ended yet'
  const hours = Hours.map(({ hour, ended, raised, stored, Confirmed }) => {
    const confirmed = Confirmed.map(({ socket, count }) => `${count} ${socket}`).join(', ')
    return `${hour}  ended ${ended}  raised ${raised}  stored ${stored}  confirmed ${confirmed || '0'}`
  })
  const calls = Missing.map(({ callid, ended_at, lacks }) => `  ${ended_at}  ${callid}  lacks ${lacks.join(', ')}`)
  return [...hours, missing === 0 ? 'nothing is missing' : `${missing} calls lack a record:`, ...calls].join('\n')
}

export default reconcile
