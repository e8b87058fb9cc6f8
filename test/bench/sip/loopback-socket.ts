import { createSocket, type Socket } from 'node:dgram'

/** A UDP socket on a free port of the loopback interface, for numeric addresses: they are not taken through the resolver. */
export function loopbackSocket(receiveBufferBytes?: number): Promise<Socket> {
  const socket = createSocket({
    type: 'udp4',
    lookup: (address, _options, done) => done(null, address, 4),
    ...(receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes }),
  })
  // The callback, not `once`: with this lookup the socket listens before bind returns.
  return new Promise(resolve => socket.bind(0, '127.0.0.1', () => resolve(socket)))
}
