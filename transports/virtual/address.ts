import { type Address, AddressError, type TransportHost } from '../../src/events/transport.ts'

/*
 * What follows `virtual:`
 *
 *     tree   = policy { child }
 *     policy = "PARALLEL" | "FAILOVER" | "ROUND-ROBIN" | "QUORUM" number | "WEIGHTED" | "HASH(" field ")"
 *     child  = ( socket without blanks | "(" tree ")" ) [ "*" weight ]
 *
 * with blanks between the words. A weight is for WEIGHTED alone. A `)` at the end of a socket closes a group unless the
 * socket itself opens it.
 */

export type Policy =
  | { readonly name: 'PARALLEL' | 'FAILOVER' | 'ROUND-ROBIN' }
  /** So many children must have the event. */
  | { readonly name: 'QUORUM'; readonly needed: number }
  | { readonly name: 'WEIGHTED'; readonly weights: readonly number[] }
  /** Events with the same value of the field go to the same child. */
  | { readonly name: 'HASH'; readonly field: string }

const WANTED = 'expected PARALLEL, FAILOVER, ROUND-ROBIN, QUORUM n, WEIGHTED or HASH(field)'
const NAMES = ['PARALLEL', 'FAILOVER', 'ROUND-ROBIN', 'QUORUM', 'WEIGHTED', 'HASH'] as const
/** Groups in groups: deeper is a mistake, and every event would pay for it. */
const MAX_DEPTH = 8

/** A tree of sockets. Its children are sockets of other schemes, or trees. */
export interface VirtualAddress extends Address {
  readonly scheme: 'virtual'
  readonly policy: Policy
  readonly children: readonly Address[]
}

interface Token {
  readonly kind: 'word' | 'open' | 'close'
  readonly text: string
  readonly offset: number
}

/**
 * Parses what follows `virtual:`. Throws AddressError that names the part at fault; never quotes a sub-socket, which
 * may hold a password.
 */
export function parseVirtual(rest: string, host: Pick<TransportHost, 'parse'>): VirtualAddress {
  const reader = new TreeReader(rest, host)
  const tree = reader.tree(0)
  reader.end()
  return tree
}

class TreeReader {
  readonly #text: string
  readonly #host: Pick<TransportHost, 'parse'>
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(text: string, host: Pick<TransportHost, 'parse'>) {
    this.#text = text
    this.#host = host
    this.#tokens = tokensOf(text)
  }

  /** A policy and its children, up to the end or the `)` of the group. */
  tree(depth: number): VirtualAddress {
    const at = this.#peek()?.offset ?? this.#text.length
    if (depth > MAX_DEPTH) throw this.#wrong(`groups may stand ${MAX_DEPTH} deep`, at)
    const policy = this.#policy()
    const children: Address[] = []
    const weights: number[] = []
    for (let token = this.#peek(); token !== undefined && token.kind !== 'close'; token = this.#peek()) {
      const { child, weight, offset } = this.#child(depth, children.length + 1)
      if (weight !== undefined && policy.name !== 'WEIGHTED') throw this.#wrong('a weight is for WEIGHTED only', offset)
      children.push(child)
      weights.push(weight ?? 1)
    }
    if (children.length === 0) throw this.#wrong(`${policy.name} needs at least one sub-socket`, this.#here())
    if (policy.name === 'QUORUM' && policy.needed > children.length)
      throw this.#wrong(`QUORUM ${policy.needed} needs at least ${policy.needed} sub-sockets`, at)
    return treeOf(policy.name === 'WEIGHTED' ? { name: 'WEIGHTED', weights } : policy, children)
  }

  /** Throws where anything is left. */
  end(): void {
    const left = this.#peek()
    if (left !== undefined) throw this.#wrong('this ")" closes nothing', left.offset)
  }

  #policy(): Exclude<Policy, { name: 'WEIGHTED' }> | { readonly name: 'WEIGHTED' } {
    const word = this.#peek()
    if (word === undefined) throw this.#wrong(`${WANTED}; found nothing`, this.#text.length)
    this.#next++
    const hash = /^HASH\(([\w.-]+)\)$/.exec(word.text)
    if (hash?.[1] !== undefined) return { name: 'HASH', field: hash[1] }
    const name = NAMES.find(one => one === word.text)
    if (name === undefined || name === 'HASH') throw this.#noPolicy(word)
    if (name !== 'QUORUM') return { name }
    const count = this.#peek()
    if (count === undefined || !/^[1-9]\d{0,2}$/.test(count.text))
      throw this.#wrong('QUORUM is followed by how many sub-sockets must have the event', count?.offset ?? this.#here())
    this.#next++
    return { name, needed: Number(count.text) }
  }

  #child(depth: number, number: number): { child: Address; weight: number | undefined; offset: number } {
    const token = this.#peek()
    if (token === undefined) throw this.#wrong('expected a sub-socket', this.#here())
    this.#next++
    if (token.kind === 'word') {
      const [, text = '', weight] = /^(.*?)(?:\*([1-9]\d{0,4}))?$/s.exec(token.text) ?? []
      const child = this.#socket(text, token.offset, number)
      return { child, weight: weight === undefined ? undefined : Number(weight), offset: token.offset }
    }
    const child = this.tree(depth + 1)
    const close = this.#peek()
    if (close === undefined) throw this.#wrong('this "(" is not closed', token.offset)
    this.#next++
    const weight = /^\)\*([1-9]\d{0,4})$/.exec(close.text)?.[1]
    if (weight === undefined && close.text !== ')') throw this.#wrong('expected a weight of 1 to 99999', close.offset)
    return { child, weight: weight === undefined ? undefined : Number(weight), offset: token.offset }
  }

  #socket(text: string, offset: number, number: number): Address {
    try {
      return this.#host.parse(text)
    } catch (cause) {
      const scheme = text.split(':', 1)[0]
      const reason = cause instanceof Error ? cause.message : String(cause)
      const at = offset + (cause instanceof AddressError ? cause.offset : 0)
      throw this.#wrong(`sub-socket ${number} (${scheme}): ${reason}`, at)
    }
  }

  #noPolicy(word: Token): AddressError {
    const isLower = NAMES.some(name => name === word.text.toUpperCase())
    const found = isLower ? `in upper case; found "${word.text}"` : 'before the sub-sockets; found something else'
    return this.#wrong(`${WANTED} ${found}`, word.offset)
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  #here(): number {
    return this.#peek()?.offset ?? this.#text.length
  }

  #wrong(message: string, offset: number): AddressError {
    return new AddressError(message, this.#text, offset)
  }
}

/** Cuts the text at its blanks, and the brackets of groups off the words. */
function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  for (const { 0: whole, index } of text.matchAll(/[^ \t]+/g)) {
    let start = 0
    for (; whole[start] === '('; start++) tokens.push({ kind: 'open', text: '(', offset: index + start })
    let end = whole.length
    const closes: Token[] = []
    for (let found = closeAtEnd(whole.slice(start, end)); found !== ''; found = closeAtEnd(whole.slice(start, end))) {
      end -= found.length
      closes.unshift({ kind: 'close', text: found, offset: index + end })
    }
    if (end > start) tokens.push({ kind: 'word', text: whole.slice(start, end), offset: index + start })
    tokens.push(...closes)
  }
  return tokens
}

/** The `)` at the end of a word that nothing in it opens, with the weight behind it; '' where there is none. */
function closeAtEnd(word: string): string {
  const found = /\)(?:\*\d+)?$/.exec(word)?.[0]
  if (found === undefined) return ''
  const opened = word.split('(').length
  return word.split(')').length > opened ? found : ''
}

function treeOf(policy: Policy, children: readonly Address[]): VirtualAddress {
  const text = `virtual:${[policyText(policy), ...children.map((child, i) => childText(policy, child, i))].join(' ')}`
  return { scheme: 'virtual', text, key: keyOf(policy, children), policy, children }
}

function policyText(policy: Policy): string {
  if (policy.name === 'QUORUM') return `QUORUM ${policy.needed}`
  return policy.name === 'HASH' ? `HASH(${policy.field})` : policy.name
}

function childText(policy: Policy, child: Address, i: number): string {
  const text = child.scheme === 'virtual' ? `(${child.text.slice('virtual:'.length)})` : child.text
  return policy.name === 'WEIGHTED' ? `${text}*${policy.weights[i] ?? 1}` : text
}

/** PARALLEL and QUORUM are the same in any order. */
function keyOf(policy: Policy, children: readonly Address[]): string {
  const keys = children.map(child => child.key)
  const isUnordered = policy.name === 'PARALLEL' || policy.name === 'QUORUM'
  return `virtual:${JSON.stringify([policy, ...(isUnordered ? keys.sort() : keys)])}`
}
