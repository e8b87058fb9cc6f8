import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, type Host, optional } from '../../module/define.ts'
import { type Blacklist, type BlacklistRule, networkText } from '../../proxy/blacklists.ts'
import { withoutBrackets } from '../../sip/net/address.ts'
import { addRule, blacklistFunctions, removeRule } from './functions.ts'

const name = arg('name', 'str', 'Name of the blacklist.')
const rule = arg('rule', 'str', 'A rule as dst_blacklist has them.')
const destination = [
  arg('ip', 'str', 'Address to look for.'),
  optional(arg('port', 'int', 'Port; any if 0 or absent.')),
  optional(arg('proto', 'str', 'Protocol; any if absent.')),
  optional(arg('pattern', 'str', 'Text to compare with the pattern of a rule.')),
] as const

/** Destination blacklists for scripts and management. Always loaded. */
export default defineModule(
  {
    name: 'blacklists',
    doc: 'Destinations nothing is sent to: the lists of `dst_blacklist`.',
    functions: blacklistFunctions.specs,
    commands: {
      list: {
        args: [optional(name)],
        doc: 'lists all the defined (static or learned) blacklists',
        aliases: ['list_blacklists'],
      },
      check_all: {
        args: destination,
        doc: 'lists the blacklists that have a rule for a destination',
        aliases: ['check_blacklists'],
      },
      check: {
        args: [name, ...destination],
        doc: 'tells whether a blacklist has a rule for a destination',
        aliases: ['check_blacklist'],
      },
      add_rule: {
        args: [name, rule, optional(arg('expire', 'int', 'Seconds the rule counts; for ever if absent.'))],
        doc: 'adds a rule to a blacklist',
        aliases: ['add_blacklist_rule'],
      },
      del_rule: { args: [name, rule], doc: 'removes a rule from a blacklist', aliases: ['del_blacklist_rule'] },
    },
  },
  context => {
    const { host } = context
    const { blacklists } = host.proxy
    const find = (wanted: string): Blacklist => {
      const found = blacklists.find(wanted)
      if (found === undefined) throw new MiError(404, 'Blacklist not found')
      return found
    }
    return {
      functions: blacklistFunctions.handlers(context),
      commands: {
        list: ({ name: wanted }) => ({
          Lists: (wanted === undefined ? [...blacklists.all()] : [find(wanted)]).map(list => describe(host, list)),
        }),
        check_all: to => ({
          Lists: [...blacklists.all()].filter(list => holds(host, list, to)).map(list => list.name),
        }),
        check: to => {
          if (!holds(host, find(to.name), to)) throw new MiError(404, 'Not blacklisted')
          return 'OK'
        },
        add_rule: ({ name: wanted, rule: text, expire = 0 }) =>
          changed(() => addRule(host, find(wanted), text, expire)),
        del_rule: ({ name: wanted, rule: text }) => changed(() => removeRule(find(wanted), text)),
      },
    }
  },
)

interface Destination {
  readonly ip: string
  readonly port?: number | undefined
  readonly proto?: string | undefined
  readonly pattern?: string | undefined
}

function holds({ proxy }: Host, list: Blacklist, { ip, port = 0, proto, pattern = '' }: Destination): boolean {
  const to = { proto: proto?.toLowerCase() ?? null, address: withoutBrackets(ip), port }
  return proxy.blacklists.has(list, to, pattern)
}

function changed(work: () => void): string {
  try {
    work()
    return 'OK'
  } catch (error) {
    if (error instanceof MiError) throw error
    throw new MiError(400, 'Bad rule', error instanceof Error ? error.message : String(error))
  }
}

function describe({ proxy }: Host, list: Blacklist): unknown {
  const { nowMs } = proxy.blacklists
  return { name: list.name, flags: [...list.flags], Rules: list.rulesAt(nowMs).map(one => describeRule(one, nowMs)) }
}

function describeRule({ isNegated, network, proto, port, pattern, untilMs }: BlacklistRule, nowMs: number): unknown {
  return {
    IP: `${isNegated ? '!' : ''}${networkText(network)}`,
    Proto: proto ?? 'any',
    Port: port,
    Match: pattern,
    ...(untilMs === null ? {} : { Expires: Math.ceil((untilMs - nowMs) / 1000) }),
  }
}
