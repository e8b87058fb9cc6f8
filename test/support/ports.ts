import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
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

/**
 * Waits until somebody has opened this UDP port, as a program that was just started will. The kernel is asked (Linux): who
 * tried the port would have it just when the program wants it.
 */
export const openedForUdp = (port: number): Promise<void> => opened('udp', port)

/** The same for a TCP port that is listened on. */
export const openedForTcp = (port: number): Promise<void> => opened('tcp', port)

/** `local_address` and `st` as the kernel lists sockets: a TCP socket that listens is in state 0A, a UDP socket in 07. */
async function opened(proto: 'tcp' | 'udp', port: number): Promise<void> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const line = new RegExp(`^ *\\d+: [0-9A-F]+:${hex} \\S+ ${proto === 'tcp' ? '0A' : '07'} `, 'm')
  const isOpen = (table: string): boolean => line.test(readFileSync(`/proc/net/${table}`, 'latin1'))
  while (!isOpen(proto) && !isOpen(`${proto}6`)) await new Promise(resolve => setTimeout(resolve, 20))
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
