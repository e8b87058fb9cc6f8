import { LogLevel } from '../../log/log.ts'
import { describe, help, which } from '../../mi/introspection.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, type ModuleContext, optional } from '../../module/define.ts'
import { asctime } from '../../util/asctime.ts'
import type { Commands } from '../../util/spec.ts'

/** Commands of group `core`. */
export const coreCommands = {
  uptime: { args: [], doc: 'prints various time information about the proxy', aliases: ['uptime'] },
  version: { args: [], doc: 'prints the version string of the running proxy', aliases: ['version'] },
  pwd: { args: [], doc: 'prints the working directory', aliases: ['pwd'] },
  arg: { args: [], doc: 'returns the full list of startup arguments', aliases: ['arg'] },
  which: {
    args: [optional(arg('command', 'str', 'Name of a command, or of a group with a colon behind it.'))],
    doc: 'lists all available MI commands',
    aliases: ['which'],
  },
  ps: { args: [], doc: 'lists what runs in the event loop of the proxy', aliases: ['ps'] },
  kill: { args: [], doc: 'stops the proxy: drains and ends with status 0', aliases: ['kill'] },
  log_level: {
    args: [
      optional(arg('level', 'int', 'New level, −3…4.')),
      optional(arg('pid', 'int', 'Process it is for; there is one.')),
    ],
    doc: 'gets or sets the logging level',
    aliases: ['log_level'],
  },
  xlog_level: {
    args: [optional(arg('level', 'int', 'New level, −3…4.'))],
    doc: 'gets or sets the logging level of the script',
    aliases: ['xlog_level'],
  },
  log_level_filter: {
    args: [
      arg('consumer', 'str', 'stderror or syslog: there is one output.'),
      optional(arg('level_filter', 'int', 'Lines above this level are kept from it; 0 is off.')),
    ],
    doc: 'gets or sets the further limit of what the output of the log gets',
    aliases: ['log_level_filter'],
  },
  log_mute_state: {
    args: [
      arg('consumer', 'str', 'stderror or syslog: there is one output.'),
      optional(arg('mute_state', 'int', '1: nothing is written, 0: lines are written.')),
    ],
    doc: 'gets or sets whether the output of the log is silent',
    aliases: ['log_mute_state'],
  },
  reload_routes: {
    args: [],
    doc: 'reads the configuration again and puts its routes into force; with any fault nothing changes',
    aliases: ['reload_routes'],
  },
  configuration: {
    args: [],
    doc: 'tells which configuration runs, in which generation, and what of it waits for a restart',
  },
  describe: {
    args: [optional(arg('command', 'str', 'Name of a command, or of a group with a colon behind it; all if absent.'))],
    doc: 'describes commands for programs: names, arguments, and a JSON Schema of the parameters',
  },
  help: {
    args: [optional(arg('mi_cmd', 'str', 'Name of a command.'))],
    doc: 'prints information about MI commands usage',
    aliases: ['help'],
  },
} as const

/** Handlers of the core commands (management reference, standard commands). */
export function coreCommandHandlers({
  host,
  clock,
}: ModuleContext): Commands<{ readonly commands: typeof coreCommands }> {
  const { instance } = host
  return {
    uptime: () => ({
      Now: asctime(clock.nowMs()),
      'Up since': asctime(instance.startedAtMs),
      'Up time': `${Math.floor((clock.nowMs() - instance.startedAtMs) / 1000)} [sec]`,
    }),
    version: () => ({ Server: instance.version }),
    pwd: () => ({ WD: process.cwd() }),
    arg: () => ({ Arguments: process.argv.map(value => ({ Argument: value })) }),
    which: ({ command }) => which(host.mi, command),
    help: ({ mi_cmd }) => help(host.mi, mi_cmd),
    ps: () => ({
      Processes: instance.activities().map((Type, ID) => ({ ID, PID: process.pid, Type })),
    }),
    kill: () => {
      instance.stop()
      return 'OK'
    },
    log_level: ({ level, pid }) => {
      if (pid !== undefined && pid !== process.pid) throw new MiError(404, 'Process not found')
      if (level !== undefined) host.logger.level = clampLevel(level)
      return level === undefined
        ? { Processes: [{ PID: process.pid, 'Log level': host.logger.level, Type: 'event loop' }] }
        : { 'New global log level': host.logger.level }
    },
    log_level_filter: ({ consumer, level_filter: filter }) => {
      checkConsumer(consumer)
      if (filter !== undefined) host.logger.outputFilter = filter === 0 ? 0 : clampLevel(filter)
      return filter === undefined ? { 'Log level filter': host.logger.outputFilter } : 'OK'
    },
    log_mute_state: ({ consumer, mute_state: state }) => {
      checkConsumer(consumer)
      if (state !== undefined) host.logger.hasOutput = state === 0
      return state === undefined ? { 'Mute state': host.logger.hasOutput ? 0 : 1 } : 'OK'
    },
    reload_routes: () => {
      const result = instance.reloadRoutes()
      if (result.ok) return 'OK'
      const { generation, faults } = result
      throw new MiError(500, `Reload failed: ${faults[0]}`, [`generation ${generation} stays`, ...faults].join('\n'))
    },
    configuration: () => {
      const { generation, loadedAtMs, needsRestart } = instance.routes
      return {
        File: instance.configuration,
        Generation: generation,
        Loaded: asctime(loadedAtMs),
        'Needs restart': needsRestart,
      }
    },
    describe: ({ command }) => describe(host.mi, command),
    xlog_level: ({ level }) => {
      if (level !== undefined) host.script.xlogLevel = clampLevel(level)
      return level === undefined ? { xLog_level: host.script.xlogLevel } : { 'New xLog level': host.script.xlogLevel }
    },
  }
}

function checkConsumer(consumer: string): void {
  if (consumer !== 'stderror' && consumer !== 'syslog')
    throw new MiError(404, 'Unknown consumer', `"${consumer}": expected stderror or syslog`)
}

const clampLevel = (level: number): number => Math.max(LogLevel.alert, Math.min(LogLevel.debug, level))
