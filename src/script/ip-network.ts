import { isIPv4, isIPv6 } from 'node:net'

/** An IPv4 or IPv6 network: an address and how many of its bits count. */
export interface IpNetwork {
  /** 4 or 16 bytes. */
  readonly bytes: readonly number[]
  readonly bits: number
}

/** The bytes of an address, IPv6 with or without brackets; undefined when the text is none. */
export function addressBytes(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return text.split('.').map(Number)
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  return isIPv6(bare) ? ipv6Bytes(bare.replace(/%.*$/, '')) : undefined
}

function ipv6Bytes(text: string): readonly number[] {
  const v4 = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0]
  const [a = 0, b = 0, c = 0, d = 0] = v4?.split('.').map(Number) ?? []
  const hex =
    v4 === undefined
      ? text
      : `${text.slice(0, -v4.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  const [head = '', tail] = hex.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0)
  return [...before, ...zeros, ...after].flatMap(group => [group >> 8, group & 0xff])
}

/** Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `[2001:db8::]/32` or a plain address; undefined when the text is none. */
export function parseNetwork(text: string): IpNetwork | undefined {
  const slash = text.lastIndexOf('/')
  const bytes = addressBytes(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  const size = bytes.length * 8
  const bits = slash < 0 ? size : prefixLength(text.slice(slash + 1))
  return bits === undefined || bits > size ? undefined : { bytes, bits }
}

function prefixLength(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text)
  const mask = isIPv4(text) ? addressBytes(text) : undefined
  if (mask === undefined) return undefined
  const ones = mask.map(byte => byte.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(ones) ? ones.replaceAll('0', '').length : undefined
}

/** Whether an address is in a network; addresses of the other family never are. */
export function isInNetwork(bytes: readonly number[], network: IpNetwork): boolean {
  if (bytes.length !== network.bytes.length) return false
  for (let i = 0, left = network.bits; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if (((bytes[i] ?? 0) & mask) !== ((network.bytes[i] ?? 0) & mask)) return false
  }
  return true
}

/** The shortest usual text of an address (RFC 5952). */
export function formatAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  const run = longestZeroRun(groups)
  if (run.length < 2) return groups.join(':')
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`
}

function longestZeroRun(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  return best
}
