import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { familyOf, withoutBrackets } from '../../sip/net/address.ts'
import type { Engagements } from './engagement.ts'
import { type Half, type Negotiation, negotiate } from './negotiation.ts'
import type { RtpProxyServices } from './services.ts'
import { parseSessionFlags, type SessionFlags } from './session-flags.ts'

const ROUTES = ['request', 'failure', 'onreply', 'branch', 'local'] as const
const flagArg = optional(arg('flags', 'str', 'Letters of a l i e f r o c s w k n, d, t and z with their numbers.'))
const ipArg = optional(arg('ip', 'str', 'Address to write instead of that of the RTP proxy.'))
const setArg = optional(arg('set', 'int', 'Set of RTP proxies; default_set if absent.'))
const sockArg = optional(arg('socket', 'var', 'Gets the URL of the RTP proxy.'))
const retArg = optional(arg('place', 'var', 'Gets `address:port` of the first stream.'))
const negotiation = [
  flagArg,
  ipArg,
  setArg,
  sockArg,
  retArg,
  optional(arg('body', 'var', 'A description instead of that of the message; gets the changed one.')),
  optional(arg('bind_local', 'str', 'Address that the RTP proxy shall use.')),
] as const

/** Script functions on the media of a call. */
export const mediaSpecs = {
  rtpproxy_engage: {
    args: [flagArg, ipArg, setArg, sockArg, retArg],
    routes: ['request'],
    returns: '1 done; −1 no RTP proxy, nothing for it to do, or not a call',
    doc: 'Puts an RTP proxy into the media of the whole call: every offer and answer goes through it, and it is released when the call ends. Needs the dialog module.',
  },
  rtpproxy_offer: {
    args: negotiation,
    routes: ROUTES,
    returns: '1 done; −1 no RTP proxy, or nothing for it to do',
    doc: 'Puts an RTP proxy into the media that this message offers.',
  },
  rtpproxy_answer: {
    args: negotiation,
    routes: ROUTES,
    returns: '1 done; −1 no RTP proxy, or nothing for it to do',
    doc: 'Puts the RTP proxy of the offer into the answer that this message brings.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Builds them. `engagements` is null without the dialog module; `use.engage` is set where the script needs it. */
export function mediaFunctions(
  services: RtpProxyServices,
  engagements: Engagements | null,
  use: { engage: boolean },
): FunctionHandlers<typeof mediaSpecs> {
  const reader = (flags: Arg<string> | undefined, ip: Arg<string> | undefined, set: Arg<number> | undefined) => {
    const readFlags = flagReader(services, flags)
    return (m: RouteContext): Negotiation | null => {
      const parsed = readFlags(m)
      const address = ip === undefined ? null : withoutBrackets(ip.read(m).trim())
      if (parsed === null || (address !== null && address !== '' && familyOf(address) === 0)) return null
      return { flags: parsed, address: address === '' ? null : address, setId: set?.read(m) ?? null, node: null }
    }
  }
  const half =
    (which: Half): FunctionHandlers<typeof mediaSpecs>['rtpproxy_offer'] =>
    (flags, ip, set, sock, ret, body, bindLocal) => {
      const read = reader(flags, ip, set)
      return async m => {
        const wanted = read(m)
        if (wanted === null) return -1
        const given = body?.read(m).get(m)
        if (body !== undefined && typeof given !== 'string') return -1
        const result = await negotiate(services, m, which, {
          ...wanted,
          ...(typeof given === 'string' ? { body: given } : {}),
          ...(bindLocal === undefined ? {} : { bindLocal: bindLocal.read(m) }),
        })
        if (result === null) return -1
        return store(m, [sock, result.node.url], [ret, result.place], [body, result.body])
      }
    }
  return {
    rtpproxy_engage: (flags, ip, set, sock, ret) => {
      use.engage = true
      const read = reader(flags, ip, set)
      return async m => {
        const wanted = read(m)
        if (wanted === null || engagements === null) return -1
        const result = await engagements.engage(m, wanted)
        return result === false ? -1 : store(m, [sock, result?.node.url ?? null], [ret, result?.place ?? null])
      }
    },
    rtpproxy_offer: half('offer'),
    rtpproxy_answer: half('answer'),
  }
}

function store(m: RouteContext, ...values: readonly (readonly [Arg<PvarRef> | undefined, string | null])[]): Verdict {
  for (const [variable, value] of values) variable?.read(m).set(m, value)
  return 1
}

function flagReader(
  { log }: RtpProxyServices,
  flags: Arg<string> | undefined,
): (m: RouteContext) => SessionFlags | null {
  const constant = flags === undefined ? '' : flags.constant
  if (constant !== undefined) {
    const parsed = parseSessionFlags(constant)
    if (typeof parsed !== 'string') return () => parsed
    return flags?.reject(parsed) ?? (() => null)
  }
  return m => {
    const parsed = parseSessionFlags(flags?.read(m) ?? '')
    if (typeof parsed !== 'string') return parsed
    log.error('the flags for an RTP proxy cannot be read', { reason: parsed })
    return null
  }
}
