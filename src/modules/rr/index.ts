import { arg, defineModule, type Host, optional, param } from '../../module/define.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import { Params } from '../../sip/codec/params.ts'
import { looseRoute, type Routed } from './loose-route.ts'
import { addParams, type RecordRouteSettings, recordRoute, recordRoutePreset } from './record-route.ts'

/** What other modules do with Record-Route and Route. */
export interface RrApi {
  /** Adds text such as `;did=1` to our Record-Route, whether that was asked for yet or not. */
  addParams(m: RouteContext, text: string): void
  /** Value of a parameter of our own Route that loose_route() took out; '' without value, null without parameter. */
  param(m: RouteContext, name: string): string | null
  /** Whether the request goes the way the first request of the dialog went. True where the Route does not tell. */
  isDownstream(m: RouteContext): boolean
  /** Calls back for each request that loose_route() found to be routed by a Route of ours; waits for a promise. */
  onRouted(callback: (m: RouteContext) => void | Promise<void>): void
  /** Calls back for each request that came by a Route of ours, also where that does not say where it goes next. */
  onOwnRoute(callback: (m: RouteContext) => void): void
}

declare module '../../module/define.ts' {
  interface ModuleApis {
    rr: RrApi
  }
}

const routed = messageSlot<Routed>()

/** Record-Route and loose routing (RFC 3261 §16.4 and §16.6; RFC 5658). */
export default defineModule(
  {
    name: 'rr',
    doc: 'Stays in the path of dialogs, and follows the Route set of requests inside them.',
    params: {
      append_fromtag: param(
        'int',
        1,
        '1: the From tag of the first request is added to Record-Route, for is_direction().',
      ),
      enable_double_rr: param(
        'int',
        1,
        '1: two Record-Routes where a request leaves by another socket than it came in by.',
      ),
      add_username: param(
        'int',
        0,
        '1: the user of From is put into Record-Route; with era = 2.4, that of the Request-URI.',
      ),
      enable_socket_mismatch_warning: param('int', 1, 'Accepted; a socket that is not ours is never forced.', {
        ignored: true,
      }),
      ignore_user: param('int', 0, 'Accepted; users in Routes are never looked at.', { ignored: true }),
    },
    functions: {
      record_route: {
        args: [optional(arg('params', 'str', 'Parameters for the URI, `;x=y`.'))],
        routes: ['request', 'branch', 'failure'],
        returns: '1 asked for; −1 it was before',
        doc: 'Adds Record-Route, so that later requests of the dialog come through here.',
      },
      record_route_preset: {
        args: [
          arg('address', 'str', 'Address to write, `host:port;params`.'),
          optional(arg('outgoing', 'str', 'Address of the side the request leaves by.')),
        ],
        routes: ['request', 'branch', 'failure'],
        returns: '1 asked for; −1 it was before, or two addresses were given without enable_double_rr',
        doc: 'Adds Record-Route with addresses from the script.',
      },
      add_rr_param: {
        args: [arg('param', 'str', 'Parameter to add, `;x=y`.')],
        routes: ['request', 'branch', 'failure'],
        returns: '1',
        doc: 'Adds a parameter to our Record-Route.',
      },
      loose_route: {
        args: [],
        routes: ['request'],
        returns: '1 the Route set says where the request goes; −1 it does not',
        doc: 'Follows the Route set: takes our own Routes out and sets where the request goes next.',
      },
      check_route_param: {
        args: [arg('pattern', 'regex', 'Pattern to look for.')],
        routes: ['request'],
        returns: '1 found; −1 not found, or no Route was ours',
        doc: 'Looks for a pattern in the parameters of our own Route, as in `;lr;ftag=x`.',
      },
      is_direction: {
        args: [arg('direction', 'str', '`upstream` or `downstream`.')],
        routes: ['request'],
        returns: '1 it goes that way; −1 it does not',
        doc: 'Tells whether the request goes the way the first request of the dialog went (downstream) or against it.',
      },
    },
    pvars: {
      rr_params: { type: 'str', writable: false, doc: 'Parameters of our own Route that loose_route() took out.' },
    },
  },
  ({ host, params }) => {
    const { proxy } = host
    const callbacks: ((m: RouteContext) => void | Promise<void>)[] = []
    const ownRoute: ((m: RouteContext) => void)[] = []
    const settings = recordRouteSettings(params, host.settings)
    const api: RrApi = {
      addParams,
      param: ownParam,
      isDownstream: m => {
        const ftag = ownParam(m, 'ftag')
        return ftag === null || ftag === m.message.fromTag
      },
      onRouted: callback => callbacks.push(callback),
      onOwnRoute: callback => void ownRoute.push(callback),
    }
    return {
      api,
      functions: {
        record_route: text => m => {
          const headers = recordRoute(m, settings)
          if (headers === null) return -1
          if (text !== undefined) addParams(m, text.read(m))
          proxy.hooks.atSend(m, headers)
          return 1
        },
        record_route_preset: (first, second) => m => {
          if (second !== undefined && !settings.isDouble) return -1
          const headers = recordRoutePreset(m, settings, first.read(m), second?.read(m) ?? null)
          if (headers === null) return -1
          proxy.hooks.atSend(m, headers)
          return 1
        },
        add_rr_param: text => m => {
          addParams(m, text.read(m))
          return 1
        },
        loose_route: () => m => {
          const known = routed.get(m)
          if (known !== undefined) return known.isRouted ? 1 : -1
          const result = looseRoute(proxy, m)
          routed.set(m, result)
          const verdict = result.isRouted ? 1 : -1
          if (result.params === null) return verdict
          for (const callback of ownRoute) callback(m)
          if (!result.isRouted) return verdict
          let pending: Promise<void>[] | null = null
          for (const callback of callbacks) {
            const told = callback(m)
            if (told instanceof Promise) (pending ??= []).push(told)
          }
          return pending === null ? verdict : Promise.all(pending).then(() => verdict)
        },
        check_route_param: pattern => m => {
          const own = routed.get(m)?.params ?? null
          return own !== null && pattern.read(m).test(own) ? 1 : -1
        },
        is_direction: direction => {
          if (direction.constant !== undefined)
            directionOf(direction.constant) ?? direction.reject('expected "upstream" or "downstream"')
          return m => {
            const wanted = directionOf(direction.read(m))
            return wanted === (api.isDownstream(m) ? 'downstream' : 'upstream') ? 1 : -1
          }
        },
      },
      pvars: {
        rr_params: () => ({ get: m => routed.get(m)?.params?.slice(1) ?? null }),
      },
    }
  },
)

function recordRouteSettings(
  params: { readonly append_fromtag: number; readonly enable_double_rr: number; readonly add_username: number },
  { era, advertised_address, advertised_port }: Host['settings'],
): RecordRouteSettings {
  const user = era === '2.4' ? 'request-uri' : 'from'
  return {
    withFromTag: params.append_fromtag !== 0,
    isDouble: params.enable_double_rr !== 0,
    user: params.add_username === 0 ? 'none' : user,
    advertisedHost: advertised_address,
    advertisedPort: advertised_port,
  }
}

function ownParam(m: RouteContext, name: string): string | null {
  return Params.parse(routed.get(m)?.params ?? '').get(name)
}

function directionOf(text: string): 'upstream' | 'downstream' | null {
  const folded = text.toLowerCase()
  return folded === 'upstream' || folded === 'downstream' ? folded : null
}
