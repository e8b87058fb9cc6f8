import { type Address, AddressError, type TransportHost } from '../../src/events/transport.ts'

export const POLICIES = ['PARALLEL', 'FAILOVER', 'ROUND-ROBIN'] as const
export type Policy = (typeof POLICIES)[number]

/** `virtual:POLICY socket { socket }`. */
export interface VirtualAddress extends Address {
  readonly scheme: 'virtual'
  readonly policy: Policy
  readonly children: readonly Address[]
}

interface Word {
  readonly text: string
  readonly offset: number
}

/**
 * Parses what follows `virtual:`. Throws AddressError that names the part at fault; never quotes a sub-socket, which
 * may hold a password.
 */
export function parseVirtual(rest: string, host: Pick<TransportHost, 'parse'>): VirtualAddress {
  const [first, ...sockets] = wordsOf(rest)
  const policy = POLICIES.find(name => name === first?.text)
  if (policy === undefined) throw noPolicy(rest, first)
  if (sockets.length === 0) throw new AddressError(`${policy} needs at least one sub-socket`, rest, rest.length)
  const children = sockets.map((word, i) => parseChild(rest, word, i + 1, host))
  const text = `virtual:${policy} ${children.map(child => child.text).join(' ')}`
  return { scheme: 'virtual', text, key: keyOf(policy, children), policy, children }
}

function wordsOf(text: string): readonly Word[] {
  return [...text.matchAll(/[^ \t]+/g)].map(match => ({ text: match[0], offset: match.index }))
}

function noPolicy(rest: string, word: Word | undefined): AddressError {
  const wanted = `expected ${POLICIES.join(', ')}`
  if (word === undefined) return new AddressError(`${wanted}; found nothing`, rest, 0)
  const isLower = POLICIES.some(name => name === word.text.toUpperCase())
  const found = isLower ? `in upper case; found "${word.text}"` : 'before the sub-sockets; found something else'
  return new AddressError(`${wanted} ${found}`, rest, word.offset)
}

function parseChild(rest: string, word: Word, number: number, host: Pick<TransportHost, 'parse'>): Address {
  try {
    return host.parse(word.text)
  } catch (cause) {
    const scheme = word.text.split(':', 1)[0]
    const reason = cause instanceof Error ? cause.message : String(cause)
    const offset = word.offset + (cause instanceof AddressError ? cause.offset : 0)
    throw new AddressError(`sub-socket ${number} (${scheme}): ${reason}`, rest, offset)
  }
}

/** PARALLEL is the same in any order. */
function keyOf(policy: Policy, children: readonly Address[]): string {
  const keys = children.map(child => child.key)
  return `virtual:${JSON.stringify([policy, ...(policy === 'PARALLEL' ? keys.sort() : keys)])}`
}
