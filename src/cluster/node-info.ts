import { isId } from './message.ts'

/** Port of `bin:` sockets and URLs without one. */
export const BIN_PORT = 5555

/** What is configured of a node in a cluster. */
export interface NodeInfo {
  readonly cluster: number
  readonly node: number
  /** `bin:host:port`. */
  readonly url: string
  readonly isEnabled: boolean
  /** Pings that may fail in a row. */
  readonly retries: number
  /** Of several ways of the same length the one over the node with the lowest is taken. */
  readonly priority: number
  /** '' when none is given. */
  readonly sipAddress: string
  readonly isSeed: boolean
  /** '' when none is given. */
  readonly description: string
  /** Number of its row; −1 without one. */
  readonly rowId: number
}

/** Where a node listens. */
export interface BinAddress {
  /** Name or address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/** Reads `bin:host[:port]`; null when it is not that. */
export function parseBinUrl(url: string): BinAddress | null {
  const parts = /^bin:(?:\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(url.trim())
  if (parts === null) return null
  const port = parts[3] === undefined ? BIN_PORT : Number(parts[3])
  return port < 1 || port > 65_535 ? null : { host: parts[1] ?? parts[2] ?? '', port }
}

const NUMBERS = { cluster_id: 0, node_id: 0, state: 1, no_ping_retries: 3, priority: 50 }
const PROPERTIES = [...Object.keys(NUMBERS), 'url', 'sip_addr', 'flags', 'description']

/**
 * Reads a node as parameters write it, `cluster_id=1, node_id=2, url=bin:10.0.0.2:5566` (clusterer reference). `ownNode` is
 * the number of a node whose text gives none; without it `node_id` is needed. Throws an Error that says what is wrong.
 */
export function parseNodeInfo(text: string, ownNode?: number): NodeInfo {
  const properties = new Map(splitProperties(text))
  const number = (name: keyof typeof NUMBERS, dflt = NUMBERS[name]): number => {
    const given = properties.get(name)
    if (given === undefined) return dflt
    if (!/^\d{1,9}$/.test(given)) throw new Error(`"${text}": ${name} is a number, got "${given}"`)
    return Number(given)
  }
  const [cluster, node] = [number('cluster_id'), number('node_id', ownNode ?? 0)]
  const url = properties.get('url') ?? ''
  if (!isId(cluster)) throw new Error(`"${text}": expected cluster_id=, a number over 0`)
  if (!isId(node)) throw new Error(`"${text}": expected node_id=, a number over 0`)
  if (parseBinUrl(url) === null) throw new Error(`"${text}": expected url=bin:host:port, got "${url}"`)
  return {
    cluster,
    node,
    url,
    isEnabled: number('state') !== 0,
    retries: number('no_ping_retries'),
    priority: number('priority'),
    sipAddress: properties.get('sip_addr') ?? '',
    isSeed: hasSeedFlag(properties.get('flags') ?? ''),
    description: properties.get('description') ?? '',
    rowId: -1,
  }
}

/** Whether the flags of a node, words with commas or blanks between, hold `seed`. */
export const hasSeedFlag = (flags: string): boolean => flags.split(/[\s,|]+/).includes('seed')

function splitProperties(text: string): (readonly [string, string])[] {
  return text
    .split(',')
    .filter(part => part.trim() !== '')
    .map(part => {
      const at = part.indexOf('=')
      const name = part.slice(0, Math.max(0, at)).trim()
      if (!PROPERTIES.includes(name))
        throw new Error(`"${text}": "${part.trim()}" is unknown, expected ${PROPERTIES.join(', ')}, each with "="`)
      return [name, part.slice(at + 1).trim()] as const
    })
}
