import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

/** Below the ports that systems hand out by themselves, which other tests get for their sockets at any moment. */
const FIRST_PORT = 10_240
/** Every process has ports of its own, so that those of tests beside it do not come between asking and opening. */
const PORTS_EACH = 100
const BLOCKS = 200
const firstOwn = FIRST_PORT + (process.pid % BLOCKS) * PORTS_EACH
let next = randomInt(PORTS_EACH)

/** A loopback port that was free a moment ago, for TCP and for UDP: for programs that must be told their port. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_EACH; tries++) {
    const port = firstOwn + (next++ % PORTS_EACH)
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port
  }
  throw new Error(`no free port from ${firstOwn} to ${firstOwn + PORTS_EACH - 1}`)
}

function isFreeForTcp(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function isFreeForUdp(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind(port, '127.0.0.1', () => void socket.close(() => resolve(true)))
  })
}

/** Waits until somebody has opened this UDP port on loopback, as a program that was just started will. */
export async function openedForUdp(port: number): Promise<void> {
  while (await isFreeForUdp(port)) await new Promise(resolve => setTimeout(resolve, 20))
}

/** Whether something on loopback accepts connections on this port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
