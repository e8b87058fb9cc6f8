import { hash } from 'node:crypto'
import type { RouteContext } from '../script/context.ts'
import { BRANCH_COOKIE } from '../sip/codec/branch-cookie.ts'
import { codeAt } from '../sip/codec/chars.ts'
import type { SipMessage } from '../sip/codec/message.ts'
import type { ViaStamp } from '../sip/codec/write.ts'
import { bracketed, canonicalHost } from '../sip/net/address.ts'
import type { ListenSocket } from '../sip/net/endpoint.ts'
import { LOOP_PARAM, loopHash } from './loop-guard.ts'

/** Writes our own Via. What is the same for every message of a socket is put together once. */
export class ViaWriter {
  readonly #advertisedHost: string | null
  readonly #advertisedPort: number | null
  readonly #marksLoops: boolean
  readonly #prefixes = new WeakMap<ListenSocket, string>()

  /** `advertised_address` and `advertised_port` of the script; a socket's own come before them. `marksLoops`: see loop-guard. */
  constructor(advertisedHost: string | null, advertisedPort: number | null, marksLoops = false) {
    this.#advertisedHost = advertisedHost
    this.#advertisedPort = advertisedPort
    this.#marksLoops = marksLoops
  }

  /** Our Via value for a request made here. */
  value(socket: ListenSocket, branch: string): string {
    return this.#prefix(socket) + branch
  }

  /** Our Via value for a request being forwarded, with what its script has asked for (sip-core 2.4). */
  valueFor(m: RouteContext, socket: ListenSocket, branch: string): string {
    const own = m.advertisedHost !== null || m.advertisedPort !== null
    const start = own ? this.#make(socket, m.advertisedHost, m.advertisedPort) : this.#prefix(socket)
    const rport = m.addLocalRport ? ';rport' : ''
    const connection = m.origin.connectionId === 0 ? '' : `;${CONNECTION_PARAM}=${m.origin.connectionId.toString(16)}`
    const loop = this.#marksLoops ? `;${LOOP_PARAM}=${loopHash(m.message)}` : ''
    return `${start}${branch}${rport}${connection}${loop}`
  }

  #prefix(socket: ListenSocket): string {
    const known = this.#prefixes.get(socket)
    if (known !== undefined) return known
    const made = this.#make(socket, null, null)
    this.#prefixes.set(socket, made)
    return made
  }

  #make(socket: ListenSocket, ownHost: string | null, ownPort: number | null): string {
    const host = ownHost ?? socket.advertisedHost ?? this.#advertisedHost ?? socket.address
    const port = ownPort ?? socket.advertisedPort ?? this.#advertisedPort ?? socket.port
    return `SIP/2.0/${socket.proto.toUpperCase()} ${bracketed(host)}:${port};branch=`
  }
}

/** Parameter of our Via that tells, when the reply comes back, on which connection the request came. */
export const CONNECTION_PARAM = 'i'

/**
 * What to add to the topmost Via of a request: `received` where the sent-by host is not the source address, and where
 * rport was asked for (RFC 3261 §18.2.1, RFC 3581 §4). A `received` the sender put there itself is replaced.
 */
export function viaStamp(m: RouteContext): ViaStamp {
  const via = m.message.topVia
  if (via === null) return NO_STAMP
  const rport = m.forceRport || via.rport !== null ? m.origin.port : null
  const isSource = via.host === m.origin.address || canonicalHost(via.host) === canonicalHost(m.origin.address)
  if (rport === null && isSource && via.received === '') return NO_STAMP
  return { received: withoutZone(m.origin.address), rport }
}

const NO_STAMP: ViaStamp = { received: null, rport: null }

function withoutZone(address: string): string {
  const zone = address.indexOf('%')
  return zone < 0 ? address : address.slice(0, zone)
}

/**
 * The branch of a statelessly forwarded request: the same for its retransmissions, its CANCEL and the ACK to a failure
 * (RFC 3261 §16.11). The To tag is left out of what it is made from, since the ACK has one where the INVITE has none.
 */
export function statelessBranch(message: SipMessage): string {
  return BRANCH_COOKIE + spread(transactionText(message))
}

/** A To tag for replies made without state: the same for retransmissions of the request (RFC 3261 §8.2.7). */
export function statelessTag(message: SipMessage, salt: string): string {
  return digest(`${salt} ${transactionText(message)}`, 16)
}

/** A number, 0 ≤ n < 1, that is the same for everything that shares the branch. */
export function fractionOf(branch: string): number {
  return Number.parseInt(branch.slice(-8), 16) / 0x1_0000_0000
}

function transactionText(message: SipMessage): string {
  const via = message.topVia
  // Made here: nobody upstream has named the transaction.
  if (via === null) return [message.callId, message.cseq, message.method, message.toTag, message.requestUri].join(' ')
  const sentBy = `${via.host.toLowerCase()}:${via.port}`
  if (via.hasCookie) return `${sentBy} ${via.branch}`
  return [sentBy, via.branch, message.fromTag, message.callId, message.cseq, message.requestUri].join(' ')
}

/** 26 hexadecimal digits that depend on every character of the text; not meant to withstand anybody. */
function spread(text: string): string {
  let [a, b, c, d] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35]
  const { length } = text
  for (let i = 0; i < length; i++) {
    const code = codeAt(text, i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code ^ (a >>> 15), 0x5bd1e995)
    c = Math.imul(c ^ code ^ (b >>> 13), 0x27d4eb2f)
    d = Math.imul(d ^ code ^ (c >>> 16), 0x165667b1)
  }
  a ^= d >>> 15
  b ^= a >>> 13
  return (hex(a) + hex(b) + hex(c) + hex(d)).slice(0, 26)
}

/** Of each byte value; writing a whole word in hexadecimal goes through floating point. */
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const hexByte = (word: number, shift: number): string => HEX_BYTES[(word >>> shift) & 255] ?? ''
const hex = (word: number): string => hexByte(word, 24) + hexByte(word, 16) + hexByte(word, 8) + hexByte(word, 0)

function digest(text: string, digits: number): string {
  return hash('sha1', text, 'hex').slice(0, digits)
}
