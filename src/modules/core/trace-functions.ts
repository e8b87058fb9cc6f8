import { arg, functionGroup, type Host, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, TracedStatement } from '../../script/context.ts'

/** Functions that show what the script does. */
export const traceFunctions = functionGroup(
  {
    script_trace: {
      args: [
        optional(arg('level', 'int', 'Level of the lines, −3…4.')),
        optional(arg('format', 'str', 'What each line shows, with variables.')),
        optional(arg('info', 'str', 'Text to know the lines by.')),
      ],
      routes: 'any',
      returns: '1',
      doc:
        'Logs every statement of this message from here on, as `[line 12][info][module t_relay] -> (format)`. Without ' +
        'arguments it stops.',
    },
  },
  ({ host }) => ({
    script_trace: (level, format, info) => m => {
      const label = info?.read(m)
      m.trace = level === undefined ? null : tracer(host, m, level.read(m), format, label)
      return 1
    },
  }),
)

function tracer(
  { logger, instance: { configuration: main } }: Host,
  m: RouteContext,
  level: number,
  format: Arg<string> | undefined,
  label: string | undefined,
): (statement: TracedStatement) => void {
  const info = label === undefined || label === '' ? '' : `[${label}]`
  return ({ what, place: { file, line } }) => {
    if (level > logger.level) return
    // What an included file holds says so.
    const at = file === main ? `line ${line}` : `${file} line ${line}`
    logger.write(level, '', `[${at}]${info}[${what}] -> (${shown(format, m)})`)
  }
}

function shown(format: Arg<string> | undefined, m: RouteContext): string {
  try {
    return format?.read(m) ?? ''
  } catch {
    // A single variable that is NULL fails as an argument; here it is only shown.
    return '<null>'
  }
}
