import type { Socket } from 'node:net'
import type { ConnectionOptions, NatsConnection } from 'nats'
import { NatsConnectionImpl, setTransportFactory } from 'nats/lib/src/nats-base-client.js'
import { NodeTransport, nodeResolveHost } from 'nats/lib/src/node_transport.js'

/** The first line of a server, `INFO {…}`, is a few hundred bytes. */
const MOST_GREETING_BYTES = 65_536

/**
 * The client's connection, except that a peer which talks without greeting is left. The client would look for the end of
 * the first line in all that came, again with every piece: megabytes of it keep the process from everything else.
 */
class GuardedTransport extends NodeTransport {
  override async dial(server: Parameters<NodeTransport['dial']>[0]): Promise<Socket> {
    const socket = await super.dial(server)
    let left = MOST_GREETING_BYTES
    // The client takes all listeners away once it has read the greeting.
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) socket.destroy(new Error('the peer does not speak the protocol of NATS'))
    })
    return socket
  }
}

/** Connects as `connect` of the client does. */
export function connect(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new GuardedTransport(), dnsResolveFn: nodeResolveHost })
  return NatsConnectionImpl.connect(options)
}
