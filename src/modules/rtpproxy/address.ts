import { bracketed, withoutBrackets } from '../../sip/net/address.ts'

/** Where a control socket is. */
export type ControlAddress = { readonly text: string } & (
  | { readonly proto: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly proto: 'unix'; readonly path: string }
)

/** One RTP proxy as the configuration names it. */
export interface NodeSpec {
  readonly address: ControlAddress
  readonly weight: number
}
/** The RTP proxies that one value of `rtpproxy_sock` adds; `setId` null stands for the default set. */
export interface SocketList {
  readonly setId: number | null
  readonly nodes: readonly NodeSpec[]
}

const DEFAULT_PORT = 22222

/** Reads `[N == ]address[=weight] …` (rtpproxy reference, parameters). Throws an Error that says what is wrong. */
export function parseSocketList(text: string): SocketList {
  const [, set, rest = ''] = /^\s*(?:(\d+)\s*==)?(.*)$/s.exec(text) ?? []
  const nodes = rest
    .split(/\s+/)
    .filter(word => word !== '')
    .map(parseNode)
  if (nodes.length === 0) throw new Error(`rtpproxy_sock "${text}": expected an address such as udp:127.0.0.1:22222`)
  return { setId: set === undefined ? null : Number(set), nodes }
}

function parseNode(word: string): NodeSpec {
  const [, text = word, weight] = /^(.*?)(?:=(\d+))?$/s.exec(word) ?? []
  if (weight === '0') throw new Error(`rtpproxy_sock "${word}": expected a weight of 1 or more`)
  return { address: parseControlAddress(text), weight: weight === undefined ? 1 : Number(weight) }
}

/**
 * Reads `udp:host:port`, `udp6:host:port`, `tcp:host:port`, `tcp6:host:port`, `unix:path` or a path. Throws an Error
 * where it is something else.
 */
export function parseControlAddress(text: string): ControlAddress {
  const path = /^(?:c?unix:)?(\/.*)$/s.exec(text)?.[1]
  if (path !== undefined) return { proto: 'unix', path, text }
  const parts = /^(udp|tcp)6?:(\[[0-9a-f:.%\w]+\]|[^\s:[\]]+|[0-9a-f:.]+?)(?::(\d{1,5}))?$/i.exec(text)
  const port = Number(parts?.[3] ?? DEFAULT_PORT)
  if (parts === null || port === 0 || port > 65_535)
    throw new Error(`RTP proxy address "${text}": expected udp:host:port, tcp:host:port or unix:/path`)
  const proto = parts[1]?.toLowerCase() === 'tcp' ? 'tcp' : 'udp'
  return { proto, host: withoutBrackets(parts[2] ?? ''), port, text }
}

/** Whether two texts name the same control socket. */
export function isSameAddress(a: ControlAddress, text: string): boolean {
  if (a.text === text) return true
  try {
    return canonical(a) === canonical(parseControlAddress(text))
  } catch {
    return false
  }
}

function canonical(a: ControlAddress): string {
  return a.proto === 'unix' ? `unix:${a.path}` : `${a.proto}:${bracketed(a.host.toLowerCase())}:${a.port}`
}
