import { tagName } from '../../cluster/shared-states.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, counter, defineModule, type ModuleContext } from '../../module/define.ts'
import { parseNumbers } from '../../util/parse-numbers.ts'
import { type FunctionServices, functionHandlers, nathelperFunctions } from './functions.ts'
import { nathelperParams } from './params.ts'
import { Pinger } from './pinger.ts'

const spec = {
  name: 'nathelper',
  doc: 'Helps clients behind NAT: finds them, corrects what they say of themselves, and keeps their bindings open.',
  after: ['usrloc', 'clusterer'],
  params: nathelperParams,
  functions: nathelperFunctions,
  commands: {
    enable_ping: {
      args: [arg('status', 'int', '0: no more pings; else: pings again.')],
      aliases: ['nh_enable_ping'],
      doc: 'Stops or resumes the pings.',
    },
  },
  stats: {
    pings_sent: counter('Pings sent to contacts.'),
    pings_answered: counter('Requests among them that were answered.'),
    pings_lost: counter('Requests among them that were not.'),
    contacts_removed: counter('Contacts removed because they did not answer.'),
  },
} as const

/** Far-end NAT traversal (nathelper reference). */
export default defineModule(spec, context => {
  const { host, log, params } = context
  const received: FunctionServices['received'] = { variable: null }
  let pinger: Pinger | null = null
  host.proxy.hooks.matchReply(m => pinger?.take(m) === true)
  return {
    functions: functionHandlers({ params, received }),
    commands: {
      enable_ping: ({ status }) => {
        if (pinger === null) throw new MiError(400, 'Pings are disabled', 'natping_interval is 0')
        pinger.isEnabled = status !== 0
        return 'OK'
      },
    },
    start: () => {
      if (params.received_avp !== undefined) received.variable = host.script.variable(params.received_avp)
      pinger = makePinger(context)
    },
    listening: () => {
      if (pinger === null) return
      if (params.natping_socket !== undefined) {
        pinger.socket = host.proxy.findSocket(params.natping_socket) ?? null
        if (pinger.socket === null)
          log.warn('natping_socket is not one of our sockets', { socket: params.natping_socket })
      }
      pinger.start()
    },
    stop: () => pinger?.stop(),
  }
})

/** Null where nothing is to be pinged. Throws an Error where parameters contradict each other. */
function makePinger(context: ModuleContext<typeof spec>): Pinger | null {
  const { clock, find, host, log, params, stats } = context
  if (params.natping_interval <= 0) return null
  const location = find('usrloc')
  if (location === undefined) throw new Error('nathelper: natping_interval needs the module usrloc')
  if (params.sipping_bflag !== undefined && params.sipping_from === undefined)
    throw new Error('nathelper: sipping_bflag needs sipping_from, the From URI of the pings')
  const mask = (flag: string | undefined): number => (flag === undefined ? 0 : host.script.branchFlagBit(flag))
  const { cluster_id: cluster, cluster_sharing_tag: tag } = params
  const clusterer = find('clusterer')
  if (tag !== undefined && (clusterer === undefined || cluster === 0))
    throw new Error('cluster_sharing_tag needs cluster_id and the module clusterer')
  return new Pinger({
    isActive: () => tag === undefined || clusterer?.isActive(tagName(tag), cluster) === true,
    clock,
    log,
    proxy: host.proxy,
    location,
    flags: {
      nated: params.ping_nated_only === 0 ? null : location.natFlag,
      request: mask(params.sipping_bflag),
      latency: mask(params.sipping_latency_flag),
      remove: mask(params.remove_on_timeout_bflag),
    },
    intervalS: params.natping_interval,
    thresholdMs: params.ping_threshold * 1000,
    mostLost: params.max_pings_lost,
    method: params.sipping_method,
    from: params.sipping_from ?? '',
    pingsConnections: params.natping_tcp !== 0,
    ignored: new Set(parseNumbers('sipping_ignore_rpl_codes', params.sipping_ignore_rpl_codes ?? '')),
    counters: stats,
  })
}
