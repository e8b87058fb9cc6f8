import { LogLevel, type LogLevelName } from '../../log/log.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, field, type ModuleContext, optionalParam, param } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { addressBytes } from '../../script/ip-network.ts'
import { DEFAULT_IDENTIFIER } from '../../stats/status-report.ts'
import type { Timer } from '../../util/clock.ts'
import { exempts, findCheckRoute } from './check-route.ts'
import { FloodTree, type Source } from './flood-tree.ts'

/** How often silent addresses are looked for (pike reference). */
const CLEAN_UP_MS = 1000

/** Flood detection by source address, as the pike reference describes it. */
export default defineModule(
  {
    name: 'pike',
    doc: 'Counts requests by source address and blocks the addresses that send too many.',
    params: {
      sampling_time_unit: param('int', 2, 'Length of a unit.', { unit: 's' }),
      reqs_density_per_unit: param('int', 30, 'Requests in one unit that are too many.'),
      remove_latency: param('int', 120, 'How long an address that has fallen silent is remembered.', { unit: 's' }),
      pike_log_level: param('int', LogLevel.warn, 'Log level of what is said about blocking.'),
      check_route: optionalParam(
        'str',
        'A route that is run for every message that arrives, replies too, before anything else. Where it ends with `drop` ' +
          'the message is neither counted nor blocked; every other message is counted, and dropped while its source is ' +
          'blocked. It must not wait for anything.',
      ),
    },
    events: {
      E_PIKE_BLOCKED: {
        fields: { ip: field('str', 'The address.') },
        doc: 'An address has sent too many requests and is blocked from now on.',
      },
      E_PIKE_UNBLOCKED: {
        fields: { ip: field('str', 'The address.') },
        doc: 'A blocked address is no longer blocked: it went below the limit, was forgotten, or was released by pike:rm.',
      },
    },
    functions: {
      pike_check_req: {
        args: [],
        routes: ['request'],
        returns: '1 not flooding; −2 its source is blocked from this request on; −1 its source is blocked',
        doc: 'Counts the request for its source address.',
      },
    },
    commands: {
      list: { args: [], doc: 'lists the addresses that are blocked', aliases: ['pike_list'] },
      rm: {
        args: [arg('ip', 'str', 'The address.')],
        doc: 'unblocks an address and forgets its count',
        aliases: ['pike_rm'],
      },
    },
  },
  context => {
    const { host, clock, params, raise } = context
    for (const name of ['sampling_time_unit', 'reqs_density_per_unit', 'remove_latency'] as const)
      if (params[name] < 1) throw new Error(`${name}: expected at least 1, got ${params[name]}`)
    const say = linesAt(context, params.pike_log_level)
    const tree = new FloodTree({
      clock,
      limit: params.reqs_density_per_unit,
      latencyMs: params.remove_latency * 1000,
      onUnblock: ({ ip, node }) => {
        say(`PIKE - UNBLOCKing node ${node}, ip ${ip}`)
        raise.E_PIKE_UNBLOCKED({ ip })
      },
    })
    const check = (m: RouteContext): Verdict => {
      const address = addressBytes(m.origin.address)
      const sighting = address === undefined ? 'calm' : tree.hit(address)
      if (address === undefined || sighting === 'calm') return 1
      if (sighting === 'blocked') return -1
      const source = tree.find(address)
      if (source !== undefined) tellBlocked(source)
      return -2
    }
    const tellBlocked = ({ ip, node }: Source): void => {
      say(`PIKE - BLOCKing ip ${ip}, node=${node}`)
      host.status.report('pike', DEFAULT_IDENTIFIER, `IP ${ip} detected as flooding`)
      raise.E_PIKE_BLOCKED({ ip })
    }
    if (params.check_route !== undefined) {
      const isExempt = exempts(context, findCheckRoute(context, params.check_route))
      host.proxy.hooks.screen(m => !isExempt(m) && check(m) < 0)
    }
    host.status.set('pike', DEFAULT_IDENTIFIER, 1, null)
    let timers: readonly Timer[] = []
    return {
      functions: { pike_check_req: () => check },
      commands: {
        list: () => ({ IPs: tree.blocked().map(({ ip }) => ip) }),
        rm: ({ ip }) => {
          const address = addressBytes(ip)
          if (address === undefined) throw new MiError(500, 'Bad IP')
          const source = tree.find(address)
          if (source === undefined) throw new MiError(404, 'Match not found')
          if (!tree.unblock(address)) throw new MiError(400, 'IP not blocked')
          say(`PIKE - UNBLOCKing ip ${source.ip}, node=${source.node}`)
          raise.E_PIKE_UNBLOCKED({ ip: source.ip })
          return 'OK'
        },
      },
      start: () => {
        timers = [
          clock.every(params.sampling_time_unit * 1000, () => tree.endUnit()),
          clock.every(CLEAN_UP_MS, () => tree.removeExpired()),
        ]
      },
      stop: () => {
        for (const timer of timers) timer.clear()
      },
    }
  },
)

/** Writes lines at the level nearest to `level` that is not above it. */
function linesAt({ log }: ModuleContext, level: number): (line: string) => void {
  const names = Object.keys(LogLevel) as LogLevelName[]
  const name = names.findLast(one => LogLevel[one] <= level) ?? 'alert'
  return line => log[name](line)
}
