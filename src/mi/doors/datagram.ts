import type { Log } from '../../log/log.ts'
import { parseJson } from '../json-rpc.ts'
import type { ManagementInterface } from '../management-interface.ts'
import type { CommandRules } from '../permissions.ts'
import type { AddressList } from './address-list.ts'
import type { DatagramReceiver, DatagramReply, DatagramSocket } from './datagram-socket.ts'
import type { Ownership } from './ownership.ts'
import { answerText, DATAGRAM_WORDING } from './text-request.ts'
import { openUdp } from './udp.ts'

/** Where datagrams are taken. */
export type DatagramAddress =
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export interface DatagramDoorOptions extends Ownership {
  readonly address: DatagramAddress
  readonly pretty: boolean
  /** What stands for a level in answers in text form. */
  readonly indent: string
  readonly rules: CommandRules | null
  /** Addresses that are answered, of UDP; others are passed over. Null: everybody. */
  readonly allowed: AddressList | null
  /** Largest answer, bytes. */
  readonly maxReplyBytes: number
}

/**
 * Parses `socket_name`: `udp:host:port`, with an IPv6 address in brackets, or the path of a unix socket, with or
 * without `unix:`. Throws an Error that says what was expected.
 */
export function parseDatagramAddress(text: string): DatagramAddress {
  if (text.startsWith('unix:')) text = text.slice('unix:'.length)
  if (text.startsWith('/')) return { kind: 'unix', path: text }
  const match = /^udp:(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65535) {
    throw new Error(`socket_name "${text}" is neither udp:host:port nor the absolute path of a unix socket`)
  }
  return { kind: 'udp', host: match[1] ?? match[2] ?? '', port }
}

/**
 * The datagram door (events reference §5.4): one datagram is one request, in JSON or in the text form of 2.x; its answer goes back to the sender in one.
 * What is no JSON is answered `400 Parse_error`, what cannot be answered `500 Internal error`, both plain text.
 */
export class DatagramDoor {
  readonly #mi: ManagementInterface
  readonly #options: DatagramDoorOptions
  readonly #log: Log
  #socket: DatagramSocket | null = null

  constructor(mi: ManagementInterface, options: DatagramDoorOptions, log: Log) {
    this.#mi = mi
    this.#options = options
    this.#log = log
  }

  /** Binds the socket and gives its name. Rejects with the system's reason. */
  async open(): Promise<string> {
    const { address } = this.#options
    const receive: DatagramReceiver = (bytes, remote, reply) => {
      if (this.#isAllowed(remote)) void this.#serve(bytes, remote, reply)
    }
    this.#socket = await this.#bind(address, receive)
    return this.#socket.name
  }

  async #bind(address: DatagramAddress, receive: DatagramReceiver): Promise<DatagramSocket> {
    if (address.kind === 'udp') return openUdp(address.host, address.port, receive, this.#log)
    // Loads a native library, which those who have no unix socket do without.
    const { openUnixDatagram } = await import('./unix-datagram.ts')
    return openUnixDatagram(address.path, this.#options, receive, this.#log)
  }

  async close(): Promise<void> {
    await this.#socket?.close()
    this.#socket = null
  }

  async #serve(bytes: Buffer, remote: string, reply: DatagramReply | null): Promise<void> {
    const answer = await this.#answer(bytes, remote)
    if (answer === null || reply === null) return
    const text = Buffer.from(answer)
    if (text.length <= this.#options.maxReplyBytes) return reply(text)
    this.#log.error('management answer is too large for a datagram', { remote, bytes: text.length })
    reply(Buffer.from('500 Internal error'))
  }

  async #answer(bytes: Buffer, remote: string): Promise<string | null> {
    const text = bytes.toString('utf8')
    const { rules, pretty, indent } = this.#options
    const caller = { door: 'datagram', remote, rules: rules === null ? [] : [rules] }
    const inTextForm = await answerText(this.#mi, text, caller, { ...DATAGRAM_WORDING, indent })
    if (inTextForm !== null) return inTextForm
    const parsed = parseJson(text)
    if (parsed.ok) return this.#mi.handleValue(parsed.value, { caller, pretty })
    this.#log.often().error('datagram request is no JSON', { remote })
    return '400 Parse_error'
  }

  /** A datagram from elsewhere is not answered: its sender may be forged, and the answer would hit somebody else. */
  #isAllowed(remote: string): boolean {
    const { allowed, address } = this.#options
    if (allowed === null || address.kind === 'unix' || allowed.has(remote.replace(/:\d+$/, ''))) return true
    this.#log.often().warn('datagram request passed over', { remote, reason: 'the address is not allowed' })
    return false
  }
}
