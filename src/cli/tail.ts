import { parseArgs } from 'node:util'
import { type CliCommand, type CliIo, UsageError } from './command.ts'
import { readLive, word } from './live-stream.ts'
import { DEFAULT_URL } from './mi-client.ts'

export const usage = 'tail [EVENT] [--filter NAME=VALUE] [--url URL] [--user NAME:PASSWORD] [--json]'
export const summary = 'Prints the events of a running proxy as they happen, one a line.'

/**
 * Runs `fanfare tail` until the proxy ends the stream. Gives 0 then, 1 when the proxy was not reached or refused.
 * Throws UsageError for a command line it cannot read.
 */
export async function run(argv: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = read(argv)
  if (positionals.length > 1) throw new UsageError(`one event at most: usage: fanfare ${usage}`)
  const [event] = positionals
  const { url, user, filter, json } = values
  const show = json ? (data: string): string => data : readable
  return readLive({ url, user, name: 'events', query: { event, filter }, items: 'events' }, io, data => {
    io.stdout.write(`${show(data)}\n`)
    return true
  })
}

function read(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      url: { type: 'string', default: DEFAULT_URL },
      user: { type: 'string' },
      filter: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
}

/** `2026-11-20T15:22:07.123Z E_PIKE_BLOCKED ip=10.0.0.1`. */
function readable(data: string): string {
  const { time, event, params = {} } = JSON.parse(data) as { time: string; event: string; params?: object }
  const words = Array.isArray(params)
    ? params.map(word)
    : Object.entries(params).map(([name, value]) => `${name}=${word(value)}`)
  return [time, event, ...words].join(' ')
}

const tail: CliCommand = { usage, summary, run }
export default tail
