import type { Socket } from 'node:net'

/** What an opening tells. */
export interface OpeningEvents {
  /** The TCP connection stands. */
  connected(): void
  /** Bytes can pass, through this socket. */
  ready(socket: Socket): void
  failed(reason: string): void
}

/** A socket on its way to be used: a plain one once it is connected, one with TLS after the handshake. */
export interface Opening {
  /** The socket that ends everything when it is destroyed. */
  readonly socket: Socket
  start(events: OpeningEvents): void
}

/** A connection that was accepted, without TLS. */
export function accepted(socket: Socket): Opening {
  return {
    socket,
    start: events => {
      events.connected()
      events.ready(socket)
    },
  }
}

/** A connection that is being opened, without TLS. */
export function connecting(socket: Socket): Opening {
  return {
    socket,
    start: events => {
      socket.once('connect', () => {
        events.connected()
        events.ready(socket)
      })
    },
  }
}
