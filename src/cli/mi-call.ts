import { parseJson } from '../mi/json-rpc.ts'
import type { CliIo } from './command.ts'
import { exchange, MiConnectionError, type MiTarget } from './mi-client.ts'

/**
 * Runs one management command and prints its result as `show` writes it. Gives the exit status: 0, or 1 when the command was
 * refused or the proxy not reached, which is then said on stderr.
 */
export async function callMi(
  target: MiTarget,
  command: string,
  params: unknown,
  io: CliIo,
  show: (result: unknown) => string,
): Promise<number> {
  const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method: command, params })
  try {
    return print(await exchange(target, request), io, show)
  } catch (error) {
    if (!(error instanceof MiConnectionError)) throw error
    io.stderr.write(`${error.message}\n`)
    return 1
  }
}

function print(answer: string, io: CliIo, show: (result: unknown) => string): number {
  const parsed = parseJson(answer)
  const { result, error } = (parsed.ok ? parsed.value : {}) as { result?: unknown; error?: MiErrorMember }
  if (error !== undefined) {
    io.stderr.write(`error ${error.code}: ${error.message}${error.data === undefined ? '' : `: ${error.data}`}\n`)
    return 1
  }
  if (result === undefined) {
    io.stderr.write(`the answer is no JSON-RPC: ${answer.slice(0, 200)}\n`)
    return 1
  }
  io.stdout.write(`${show(result)}\n`)
  return 0
}

interface MiErrorMember {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** A text as it is, anything else as indented JSON. */
export const readable = (result: unknown): string =>
  typeof result === 'string' ? result : JSON.stringify(result, null, 2)
