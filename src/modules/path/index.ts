import { arg, defineModule, optional, param } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import { messageSlot, type RouteContext, type Step } from '../../script/context.ts'
import { parseUri, unescapeParam } from '../../sip/codec/uri.ts'
import { pathHeaders } from './path-headers.ts'

const user = optional(arg('user', 'str', 'User part of the URI.'))
const isAdded = messageSlot<boolean>()

/** Path (RFC 3327): edge proxies stay in the way of requests to the clients that registered through them. */
export default defineModule(
  {
    name: 'path',
    doc: 'Adds Path to registrations, so that requests for the client come back through this proxy.',
    after: ['rr'],
    params: {
      use_received: param(
        'int',
        0,
        '1: loose_route() sends a request to the address that the parameter `received` of our own Route tells. Needs rr.',
      ),
      enable_double_path: param(
        'int',
        1,
        '1: two Paths where a registration leaves by another socket than it came in by.',
      ),
    },
    functions: {
      add_path: {
        args: [user],
        routes: ['request'],
        returns: '1 added; −1 it was before',
        doc: 'Adds Path with our own address.',
      },
      add_path_received: {
        args: [user],
        routes: ['request'],
        returns: '1 added; −1 it was before',
        doc: 'Adds Path with our own address and the source of the registration.',
      },
    },
  },
  ({ find, host, params }) => {
    const { proxy, settings } = host
    const { advertised_address: advertisedHost, advertised_port: advertisedPort } = settings
    const adding =
      (withReceived: boolean) =>
      (name: Arg<string> | undefined): Step =>
      m => {
        if (isAdded.get(m) === true) return -1
        isAdded.set(m, true)
        const isDouble = params.enable_double_path !== 0
        proxy.hooks.atSend(
          m,
          pathHeaders({ user: name?.read(m) ?? '', withReceived, isDouble, advertisedHost, advertisedPort }),
        )
        return 1
      }
    return {
      functions: { add_path: adding(false), add_path_received: adding(true) },
      start: () => {
        if (params.use_received === 0) return
        const rr = find('rr')
        if (rr === undefined) throw new Error('path: use_received needs the module rr')
        rr.onOwnRoute(m => followReceived(m, rr.param(m, 'received')))
      },
    }
  },
)

/** Sends the request to where its client was when it registered. */
function followReceived(m: RouteContext, escaped: string | null): void {
  const received = unescapeParam(escaped ?? '')
  if (/^[!-~]+$/.test(received) && parseUri(received) !== null) m.target.dstUri = received
}
