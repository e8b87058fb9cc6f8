import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unixTarget } from '../../transports/datagram/unix-socket.ts'
import { Arrivals, readJsonRpc } from './json-arrival.ts'
import type { Peer } from './transport.ts'

/** A peer that keeps the bytes it got. */
export interface DatagramPeer extends Peer {
  readonly payloads: readonly Buffer[]
}

/** A UDP port on the loopback address. */
export async function udpPeer(address: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<DatagramPeer> {
  const type = address === '::1' ? 'udp6' : 'udp4'
  const arrivals = new Arrivals<Buffer>()
  const listen = async (port: number): Promise<Socket> => {
    const socket = createSocket({ type, recvBufferSize: 1 << 20 })
    socket.on('message', bytes => arrivals.add(bytes))
    socket.bind(port, address)
    await once(socket, 'listening')
    return socket
  }
  const socket = await listen(0)
  const { port } = socket.address()
  return {
    socket: `udp:${address === '::1' ? '[::1]' : address}:${port}`,
    payloads: arrivals.all,
    arrivals: () => arrivals.all.map(readJsonRpc),
    arrived: count => arrivals.reached(count),
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = process.platform === 'darwin' ? 0x80 : 0x40

/** A unix datagram socket in a directory of its own. Polled: Node cannot wait for one. */
export async function unixPeer(): Promise<DatagramPeer & Required<Pick<Peer, 'start' | 'stop'>>> {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  const libc = koffi.load(null)
  const socket = libc.func('int socket(int, int, int)')
  const bind = libc.func('int bind(int, const uint8_t *, uint32_t)')
  const recv = libc.func('intptr_t recv(int, uint8_t *, size_t, int)')
  const close = libc.func('int close(int)')
  const directory = mkdtempSync(join(tmpdir(), 'fanfare-unix-'))
  const path = join(directory, 'events.sock')
  const target = unixTarget(path)
  const buffer = Buffer.alloc(1 << 17)
  const arrivals = new Arrivals<Buffer>()
  let fd = -1

  const start = async (): Promise<void> => {
    fd = socket(AF_UNIX, SOCK_DGRAM, 0)
    if (bind(fd, target, target.length) !== 0) throw new Error(`cannot bind ${path}: error ${koffi.errno()}`)
  }
  const read = (): void => {
    if (fd < 0) return
    for (
      let size = recv(fd, buffer, buffer.length, MSG_DONTWAIT);
      size >= 0;
      size = recv(fd, buffer, buffer.length, MSG_DONTWAIT)
    )
      arrivals.add(Buffer.from(buffer.subarray(0, size)))
  }
  const stop = async (): Promise<void> => {
    read()
    if (fd >= 0) close(fd)
    fd = -1
    rmSync(path, { force: true })
  }
  await start()
  return {
    socket: `unix:${path}`,
    get payloads() {
      read()
      return arrivals.all
    },
    arrivals: () => {
      read()
      return arrivals.all.map(readJsonRpc)
    },
    arrived: async count => {
      for (read(); arrivals.all.length < count; read()) await new Promise(resolve => setTimeout(resolve, 1))
    },
    start,
    stop,
    close: async () => {
      await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
