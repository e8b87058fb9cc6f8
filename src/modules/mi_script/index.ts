import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional, param } from '../../module/define.ts'
import type { Value } from '../../util/spec.ts'
import { commandWords } from './command-words.ts'

/** Management commands called by the script. While one runs, every other message goes on. */
export default defineModule(
  {
    name: 'mi_script',
    doc: 'Calls management commands from the script.',
    params: {
      pretty_printing: param('int', 0, 'Whether results are written over several lines.'),
      trace_destination: param('str', '', 'Tracing to a capture node is not available.', { ignored: true }),
      trace_bwlist: param('str', '', 'Tracing to a capture node is not available.', { ignored: true }),
    },
    functions: {
      mi: {
        args: [
          arg('command', 'str', 'The command, or the command and its values, blank-separated.'),
          optional(arg('result', 'var', 'Gets the result: a text as it is, anything else as JSON.')),
          optional(arg('names', 'var', 'An AVP with the names of the arguments.')),
          optional(arg('values', 'var', 'An AVP with their values, in the same order.')),
        ],
        routes: 'any',
        async: true,
        returns:
          '1; −1 the command refused, and the result is its message; −2 there is no such command; −3 wrong arguments',
        doc: 'Runs a management command.',
      },
    },
  },
  ({ host, log, params }) => {
    const shown = (result: unknown): string =>
      typeof result === 'string'
        ? result
        : (JSON.stringify(result, null, params.pretty_printing === 0 ? undefined : 2) ?? '')
    return {
      functions: {
        mi: (command, result, names, values) => async m => {
          const { command: name, values: positional } = commandWords(command.read(m))
          const given = names === undefined ? undefined : named(names.read(m).all(m), values?.read(m).all(m))
          try {
            const outcome = await host.mi.call(name, given ?? positional)
            result?.read(m).set(m, shown(outcome))
            return 1
          } catch (error) {
            if (!(error instanceof MiError)) throw error
            log.error('a management command failed', { command: name, code: error.code, reason: error.message })
            result?.read(m).set(m, error.message)
            return VERDICTS.get(error.code) ?? -1
          }
        },
      },
    }
  },
)

/** JSON-RPC codes → return codes: no such method, wrong params. */
const VERDICTS: ReadonlyMap<number, number> = new Map([
  [-32_601, -2],
  [-32_602, -3],
])

/** Arguments by name; without values the names are the values, in the order in which they were added. */
function named(
  names: readonly Value[],
  values: readonly Value[] | undefined,
): Record<string, Value> | readonly Value[] {
  if (values === undefined) return names.toReversed()
  if (names.length !== values.length)
    throw new Error(`${names.length} names and ${values.length} values of arguments: expected as many of both`)
  return Object.fromEntries(names.map((name, i) => [String(name), values[i] ?? null]))
}
