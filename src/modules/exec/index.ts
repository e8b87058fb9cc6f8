import { arg, defineModule, optional, param } from '../../module/define.ts'
import { givenVariables, messageVariables } from './environment.ts'
import { Processes } from './processes.ts'

/** Commands of the script. While one runs, every other message goes on. */
export default defineModule(
  {
    name: 'exec',
    doc: 'Runs commands by the shell.',
    params: {
      setvars: param('int', 1, 'Whether commands learn of the message by their environment: `SIP_HF_…`, `SIP_RURI` ….'),
      time_to_kill: param('int', 0, 'A command that runs longer is ended; 0 for never.', { unit: 's' }),
      max_output_size: param('int', 64, 'Most that is kept of what a command writes on an output.', { unit: 'KB' }),
      max_processes: param('int', 100, 'Most commands at once; others wait for their turn.'),
    },
    functions: {
      exec: {
        args: [
          arg('command', 'str', 'What the shell is given.'),
          optional(arg('stdin', 'str', 'What the command reads.')),
          optional(arg('stdout', 'var', 'Gets what it writes.')),
          optional(arg('stderr', 'var', 'Gets what it writes as errors.')),
          optional(arg('environment', 'var', 'An AVP whose values are `NAME=value`.')),
        ],
        routes: 'any',
        async: true,
        returns: '1 it ended with status 0; −1 with another, by a signal, or it could not be run',
        doc: 'Runs a command and waits for its end.',
      },
    },
  },
  ({ clock, log, params }) => {
    const processes = new Processes({
      clock,
      limitMs: params.time_to_kill * 1000,
      maxOutput: Math.max(0, params.max_output_size) * 1024,
      most: params.max_processes,
    })
    const built: string[] = []
    return {
      functions: {
        exec: (command, stdin, stdout, stderr, environment) => {
          if (command.constant === undefined) built.push(command.text)
          return async m => {
            const text = command.read(m)
            const asked = {
              text,
              stdin: stdin?.read(m) ?? '',
              environment: {
                ...(params.setvars === 0 ? {} : messageVariables(m)),
                ...(environment === undefined ? {} : givenVariables(environment.read(m).all(m))),
              },
              wantsStdout: stdout !== undefined,
              wantsStderr: stderr !== undefined,
            }
            const { fault, isCut, ...outputs } = await processes.run(asked, m.timeLimit)
            if (fault !== undefined)
              log.often().error('a command failed', { command: text.slice(0, 200), reason: fault })
            if (isCut)
              log.warn('a command wrote more than is kept', {
                command: text.slice(0, 200),
                max_output_size: params.max_output_size,
              })
            stdout?.read(m).set(m, outputs.stdout)
            stderr?.read(m).set(m, outputs.stderr)
            return fault === undefined ? 1 : -1
          }
        },
      },
      warnings: () =>
        built.map(
          text =>
            `exec("${text}"): the shell reads what the variables hold, also what a caller wrote into them; give such values to the command by its stdin or its environment`,
        ),
      stop: () => processes.close(),
    }
  },
)
