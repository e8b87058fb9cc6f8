import type { Log } from '../../log/log.ts'
import type { GroupBlacklists } from '../../proxy/group-blacklists.ts'
import { locate } from '../../proxy/locate.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import { familyOf, withoutBrackets } from '../../sip/net/address.ts'
import type { Registry } from './registry.ts'

interface LocateParts {
  readonly registry: Registry
  readonly proxy: SipProxy
  readonly log: Log
  /** `force_dns`: without, only numeric addresses are found. */
  readonly looksUpNames: boolean
}

/** Finds sockets and addresses of all gateways, and puts the addresses into the blacklists of their types. */
export function locateGateways({ registry, proxy, log, looksUpNames }: LocateParts, blacklists: GroupBlacklists): void {
  const gateways = registry.all.flatMap(({ data }) => [...data.gateways.values()])
  const resolver = {
    findSocket: (text: string) => proxy.findSocket(text),
    resolve: (uri: string) => (looksUpNames || isNumeric(uri) ? proxy.resolve(uri) : []),
  }
  locate(gateways, resolver, log, () =>
    blacklists.update(gateways.map(({ data, addresses }) => ({ group: data.type, addresses }))),
  )
}

const isNumeric = (uri: string): boolean => familyOf(withoutBrackets(parseUri(uri)?.host ?? '')) !== 0
