import { createSocket, type Socket } from 'node:dgram'
import type { Log } from '../../src/log/log.ts'
import type { SendGroup } from './send-group.ts'

type Family = 4 | 6

/** The sockets all UDP sinks send from: one a family, opened at first use, with a port the system chooses. */
export class UdpSockets {
  readonly #log: Log
  readonly #sockets = new Map<Family, Socket>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Sends one datagram to a numeric address; `group` gets the result. */
  send(bytes: Buffer, family: Family, address: string, port: number, group: SendGroup): void {
    group.join()
    try {
      this.#socket(family).send(bytes, port, address, group.done)
    } catch (error) {
      process.nextTick(group.done, error)
    }
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close()
    this.#sockets.clear()
  }

  #socket(family: Family): Socket {
    const known = this.#sockets.get(family)
    if (known !== undefined) return known
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      // Addresses are numeric by now; the default would still take each through the resolver.
      lookup: (address, _options, callback) => callback(null, address, family),
    })
    socket.on('error', error => {
      this.#log.error('UDP socket failed', { family, reason: error.message })
      if (this.#sockets.get(family) === socket) this.#sockets.delete(family)
      socket.close()
    })
    socket.unref()
    this.#sockets.set(family, socket)
    return socket
  }
}
