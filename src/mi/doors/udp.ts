import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Log } from '../../log/log.ts'
import type { DatagramReceiver, DatagramSocket } from './datagram-socket.ts'

/** Binds a UDP socket; an IPv6 address makes it one for IPv6. Rejects with the system's reason. */
export async function openUdp(
  host: string,
  port: number,
  receive: DatagramReceiver,
  log: Log,
): Promise<DatagramSocket> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  socket.on('message', (bytes, { address, port }) => {
    const remote = `${address}:${port}`
    // Port 0 cannot be sent to; a forged datagram may carry it.
    receive(bytes, remote, port === 0 ? null : text => send(text, port, address, remote))
  })
  const send = (text: Buffer, port: number, address: string, remote: string): void =>
    socket.send(text, port, address, error => {
      if (error !== null) log.often().error('datagram answer cannot be sent', { remote, reason: error.message })
    })
  socket.bind(port, host === '*' ? '' : host)
  try {
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }
  socket.on('error', error => log.often().error('datagram socket failed', { reason: error.message }))
  const bound = socket.address()
  const close = async (): Promise<void> => {
    const closed = once(socket, 'close')
    socket.close()
    await closed
  }
  return { name: `${bound.address}:${bound.port}`, close }
}
