import { parseArgs } from 'node:util'
import { type CliCommand, type CliIo, UsageError } from './command.ts'
import { callMi, readable } from './mi-call.ts'
import { DEFAULT_URL, parseTarget } from './mi-client.ts'

export const usage =
  'mi COMMAND [ARG ... | NAME=VALUE ...] [--url URL] [--user NAME:PASSWORD] [--reply-dir DIR/] [--json]'
export const summary = 'Runs a management command of a running proxy; "mi which" lists them.'

interface Invocation {
  readonly command: string
  readonly params: readonly unknown[] | Readonly<Record<string, unknown>> | undefined
  readonly url: string
  readonly user: string | undefined
  readonly replyDirectory: string
  readonly compact: boolean
}

/**
 * Runs `fanfare mi`: sends one command and prints its result. Gives 0, or 1 when the command was refused or the proxy
 * not reached. Throws UsageError for a command line it cannot read.
 */
export async function run(argv: readonly string[], io: CliIo): Promise<number> {
  const { command, params, url, user, replyDirectory, compact } = parse(argv)
  return callMi(parseTarget(url, user, replyDirectory), command, params, io, compact ? JSON.stringify : readable)
}

function parse(argv: readonly string[]): Invocation {
  const { values, positionals, tokens } = read(argv)
  const [command, ...words] = positionals
  if (command === undefined) throw new UsageError(`which command? usage: fanfare ${usage}`)
  // Behind "--", a word with "=" in it is a value like any other.
  const terminated = tokens.some(token => token.kind === 'option-terminator')
  return {
    command,
    params: terminated ? positional(words) : paramsOf(words),
    url: values.url,
    user: values.user,
    replyDirectory: values['reply-dir'],
    compact: values.json,
  }
}

function read(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    tokens: true,
    options: {
      url: { type: 'string', default: DEFAULT_URL },
      user: { type: 'string' },
      'reply-dir': { type: 'string', default: '/tmp/' },
      json: { type: 'boolean', default: false },
    },
  })
}

const NAMED = /^([A-Za-z_]\w*)=(.*)$/s

function paramsOf(words: readonly string[]): Invocation['params'] {
  const named = words.map(word => NAMED.exec(word))
  if (named.every(match => match === null)) return positional(words)
  if (named.some(match => match === null)) {
    throw new UsageError(
      'parameters are either all NAME=VALUE or all values; "--" before them makes all of them values',
    )
  }
  return Object.fromEntries(named.map(match => [match?.[1] ?? '', readValue(match?.[2] ?? '')]))
}

const positional = (words: readonly string[]): readonly unknown[] | undefined =>
  words.length === 0 ? undefined : words.map(readValue)

/** Arrays and objects may be written as JSON; all else goes as text, which the proxy converts. */
function readValue(word: string): unknown {
  if (!/^[[{]/.test(word)) return word
  try {
    return JSON.parse(word)
  } catch {
    return word
  }
}

const mi: CliCommand = { usage, summary, run }
export default mi
