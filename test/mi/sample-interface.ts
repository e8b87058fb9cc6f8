import { help, which } from '../../src/mi/introspection.ts'
import { ManagementInterface, MiError } from '../../src/mi/management-interface.ts'
import type { Clock } from '../../src/util/clock.ts'
import { arg, type CommandSpec, optional } from '../../src/util/spec.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { golden } from './golden.ts'
import { MemoryLog } from './memory-log.ts'

const str = (name: string) => arg(name, 'str', '')
const int = (name: string) => arg(name, 'int', '')
const list = (name: string) => arg(name, 'list', '')

const EVENTS = new Set(['E_UL_AOR_DELETE', 'E_UL_AOR_INSERT', 'E_UL_CONTACT_INSERT', 'E_UL_CONTACT_UPDATE'])

/** Commands that answer as the recorded proxy did, as far as the engine and the doors are concerned. */
const SAMPLES: Record<string, { spec: CommandSpec; run: (mi: ManagementInterface, args: never) => unknown }> = {
  'core:version': {
    spec: { args: [], doc: '', aliases: ['version'] },
    run: () => ({ Server: 'OpenSIPS (4.0.1 (x86_64/linux))' }),
  },
  'core:which': {
    spec: { args: [optional(str('command'))], doc: '' },
    run: (mi, { command }: { command?: string }) => which(mi, command),
  },
  'core:help': {
    spec: { args: [optional(str('mi_cmd'))], doc: '' },
    run: (mi, { mi_cmd }: { mi_cmd?: string }) => help(mi, mi_cmd),
  },
  'evi:subscribe': {
    spec: {
      args: [str('event'), str('socket'), optional(int('expire'))],
      doc: 'subscribes an event to the Event Interface',
      aliases: ['event_subscribe'],
    },
    run: (_mi, args: { event: string; socket: string; expire?: number }) => {
      if ((args.expire ?? 0) < 0) throw new MiError(-32602, 'Invalid params', 'Negative expire value')
      if (!EVENTS.has(args.event) || !/^(udp|unix):/.test(args.socket)) throw new MiError(400, 'Bad parameter value')
      return 'OK'
    },
  },
  'usrloc:add': { spec: { args: [], doc: '', aliases: ['ul_add'] }, run: () => 'OK' },
  'statistics:get': {
    spec: { args: [list('statistics')], doc: '', aliases: ['get_statistics'], variadic: true },
    run: (_mi, { statistics }: { statistics: readonly string[] }) =>
      Object.fromEntries(statistics.filter(name => name === 'rcv_requests').map(name => [`core:${name}`, 1])),
  },
  'freeswitch_scripting:subscribe': {
    spec: { args: [str('freeswitch_url'), list('events')], doc: '', aliases: ['fs_subscribe'] },
    run: () => 'OK',
  },
  'load_balancer:resize': {
    spec: { args: [int('destination_id'), str('res_name'), int('new_capacity')], doc: '', aliases: ['lb_resize'] },
    run: (_mi, args) => {
      const expected = JSON.stringify({ destination_id: 1, res_name: 'pstn', new_capacity: 5 })
      if (JSON.stringify(args) !== expected) throw new MiError(500, JSON.stringify(args))
      return 'OK'
    },
  },
  'drouting:gw_status': {
    spec: { args: [str('partition_name')], doc: '', aliases: ['dr_gw_status'], namedOnly: true },
    run: () => 'OK',
  },
}

export interface SampleInterface {
  readonly mi: ManagementInterface
  readonly log: MemoryLog
  readonly clock: Clock
}

/** An interface with the command names of the recorded proxy; those above work, the others answer "OK". */
export function sampleInterface(clock: Clock = new VirtualClock()): SampleInterface {
  const log = new MemoryLog()
  const mi = new ManagementInterface(log, clock)
  const names = JSON.parse(golden('mi/which.datagram.out').toString('utf8')).result as string[]
  for (const name of names) {
    const [group = '', local = ''] = name.split(':')
    const sample = SAMPLES[name]
    const module = name === 'tcp:trace' ? 'proto_tcp' : group
    const handler = (args: never): unknown => (sample === undefined ? 'OK' : sample.run(mi, args))
    mi.register(module, { [local]: sample?.spec ?? { args: [], doc: '' } }, { [local]: handler })
  }
  return { mi, log, clock }
}
