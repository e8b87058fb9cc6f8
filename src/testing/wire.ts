import { familyOf, hostPort, withoutBrackets } from '../sip/net/address.ts'
import type { ListenSocket, Proto } from '../sip/net/endpoint.ts'

/** Where something on the wire is reached. */
export interface WireAddress {
  readonly proto: Proto
  /** Textual IP address; IPv6 without brackets. */
  readonly address: string
  readonly port: number
}

/** What is reached at an address: a phone, or a socket of the proxy. */
export interface Station extends WireAddress {
  /** As the trace calls it. */
  readonly name: string
  /** Nothing reaches it, as if it had been unplugged. */
  readonly isAway: boolean
  receive(bytes: Buffer, from: WireAddress): void
}

/** One message on its way. `to` is null where nobody takes it. */
export interface Passage {
  readonly from: Station
  readonly to: Station | null
  readonly target: WireAddress
  readonly bytes: Buffer
}

const addressKey = ({ proto, address, port }: WireAddress): string => `${proto} ${hostPort(address, port)}`

/** `127.0.0.1:5060`, with the protocol in front if it is not UDP. */
export const addressText = ({ proto, address, port }: WireAddress): string =>
  proto === 'udp' ? hostPort(address, port) : `${proto}:${hostPort(address, port)}`

/**
 * What carries messages between the proxy and the phones of a test, in place of a network. What is sent arrives in the
 * order in which it was sent, in a later turn of the event loop and at the same moment of the test's clock.
 */
export class Wire {
  readonly #stations = new Map<string, Station>()
  readonly #onPassage: (passage: Passage) => void
  readonly #underWay: Passage[] = []
  #isScheduled = false

  constructor(onPassage: (passage: Passage) => void) {
    this.#onPassage = onPassage
  }

  /** Throws an Error that names who has the address where two want it. */
  connect(station: Station): void {
    const key = addressKey(station)
    const other = this.#stations.get(key)
    if (other !== undefined) throw new Error(`${addressText(station)} is taken by ${other.name}`)
    this.#stations.set(key, station)
  }

  disconnect(station: Station): void {
    this.#stations.delete(addressKey(station))
  }

  isTaken(address: WireAddress): boolean {
    return this.#stations.has(addressKey(address))
  }

  /** Whether messages are under way. */
  get isBusy(): boolean {
    return this.#underWay.length > 0
  }

  /** Sends to whoever is at `target` when it arrives. */
  send(from: Station, target: WireAddress, bytes: Buffer): void {
    const to = this.#stations.get(addressKey(target)) ?? null
    this.#underWay.push({ from, to, target, bytes })
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#deliver())
  }

  #deliver(): void {
    this.#isScheduled = false
    for (const passage of this.#underWay.splice(0)) {
      const { from, to, bytes } = passage
      this.#onPassage(passage)
      if (to !== null && !to.isAway) to.receive(bytes, from)
    }
  }
}

/** Whether a host and port, as a SIP URI or a Route names them, are those of a socket; port 0 stands for any. */
export function isAt(socket: ListenSocket, host: string, port: number): boolean {
  const bare = withoutBrackets(host)
  const isNamed =
    familyOf(bare) === 0 ? bare === socket.advertisedHost : [socket.address, socket.advertisedHost].includes(bare)
  return isNamed && (port === 0 || port === socket.port || port === socket.advertisedPort)
}
