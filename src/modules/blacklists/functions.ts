import { arg, functionGroup, type Host, optional } from '../../module/define.ts'
import { type Blacklist, parseBlacklistRule } from '../../proxy/blacklists.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { withoutBrackets } from '../../sip/net/address.ts'

const list = arg('blacklist', 'str', 'Name of the blacklist, as in dst_blacklist.')
const rule = arg(
  'rule',
  'str',
  'A rule as dst_blacklist has them, `[!](proto, network, port, "pattern")` or a network.',
)

/** Functions on destination blacklists. */
export const blacklistFunctions = functionGroup(
  {
    use_blacklist: {
      args: [list],
      routes: 'any',
      returns: '1; −1 there is no such list',
      doc: 'Has this message go to no destination of the list.',
    },
    unuse_blacklist: {
      args: [list],
      routes: 'any',
      returns: '1; −1 there is no such list',
      doc: 'Has this message no longer heed the list, also one with the flag `default`.',
    },
    check_blacklist_rule: {
      args: [
        list,
        arg('ip', 'str', 'Address to look for.'),
        optional(arg('port', 'int', 'Port; any if 0 or absent.')),
        optional(arg('proto', 'str', 'Protocol; any if absent.')),
        optional(arg('pattern', 'str', 'Text to compare with the pattern of a rule.')),
      ],
      routes: 'any',
      returns: '1 the list has a rule for it; −1 it has none, or there is no such list',
      doc: 'Whether a destination is on the list.',
    },
    add_blacklist_rule: {
      args: [list, rule, optional(arg('expire', 'int', 'Seconds the rule counts; for ever if absent.'))],
      routes: 'any',
      returns: '1 added; −1 there is no such list, it is readonly, or the rule is malformed',
      doc: 'Adds a rule to a list. One that expires needs the flag `expire`.',
    },
    del_blacklist_rule: {
      args: [list, rule],
      routes: 'any',
      returns: '1 removed; −1 there is no such rule or list, or it is readonly',
      doc: 'Removes a rule from a list.',
    },
  },
  ({ host, log }) => {
    /** Works on the list named; a constant name is looked up at load. */
    const onList = (name: Arg<string>, work: (found: Blacklist, m: RouteContext) => boolean) => {
      const { blacklists } = host.proxy
      if (name.constant !== undefined && blacklists.find(name.constant) === undefined)
        name.reject(`there is no dst_blacklist "${name.constant}"`)
      return (m: RouteContext): number => {
        const found = blacklists.find(name.read(m))
        if (found === undefined) log.error('no such blacklist', { blacklist: name.read(m) })
        return found !== undefined && work(found, m) ? 1 : -1
      }
    }
    return {
      use_blacklist: name =>
        onList(name, (found, m) => {
          host.proxy.blacklists.use(m, found)
          return true
        }),
      unuse_blacklist: name =>
        onList(name, (found, m) => {
          host.proxy.blacklists.unuse(m, found)
          return true
        }),
      check_blacklist_rule: (name, ip, port, proto, pattern) =>
        onList(name, (found, m) => {
          const to = {
            proto: proto?.read(m).toLowerCase() ?? null,
            address: withoutBrackets(ip.read(m)),
            port: port?.read(m) ?? 0,
          }
          return host.proxy.blacklists.has(found, to, pattern?.read(m) ?? '')
        }),
      add_blacklist_rule: (name, text, expire) =>
        onList(name, (found, m) => change(() => addRule(host, found, text.read(m), expire?.read(m) ?? 0))),
      del_blacklist_rule: (name, text) => onList(name, (found, m) => change(() => removeRule(found, text.read(m)))),
    }

    function change(work: () => void): boolean {
      try {
        work()
        return true
      } catch (error) {
        log.error('blacklist not changed', { reason: error instanceof Error ? error.message : String(error) })
        return false
      }
    }
  },
)

/** Adds a rule that counts for `expireS` seconds, 0 for ever. Throws an Error that says why it cannot. */
export function addRule({ proxy }: Host, list: Blacklist, text: string, expireS: number): void {
  refuseReadonly(list)
  if (expireS > 0 && !list.flags.has('expire'))
    throw new Error(`rules of blacklist ${list.name} cannot expire: it is defined without the flag "expire"`)
  const untilMs = expireS > 0 ? proxy.blacklists.nowMs + expireS * 1000 : null
  if (!list.add(parseBlacklistRule(text, untilMs))) throw new Error(`blacklist ${list.name} is full`)
}

/** Removes a rule. Throws an Error that says why it cannot. */
export function removeRule(list: Blacklist, text: string): void {
  refuseReadonly(list)
  if (!list.remove(parseBlacklistRule(text, null))) throw new Error(`blacklist ${list.name} has no rule ${text}`)
}

function refuseReadonly(list: Blacklist): void {
  if (list.flags.has('readonly')) throw new Error(`blacklist ${list.name} is readonly`)
}
