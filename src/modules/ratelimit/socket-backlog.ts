import { readFile } from 'node:fs/promises'
import { addressBytes } from '../../script/ip-network.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'

/** State of a listening TCP socket, whose queue holds connections instead of bytes. */
const LISTENING = '0A'

/** Bytes that the kernel holds for us, received and not read yet. 0 on systems that do not tell (no /proc/net). */
export async function waitingBytes(sockets: readonly ListenSocket[]): Promise<number> {
  const tables = ['udp', 'udp6', 'tcp', 'tcp6'].map(name => readFile(`/proc/net/${name}`, 'utf8').catch(() => ''))
  const ours = new Set(sockets.map(kernelAddress))
  return (await Promise.all(tables)).reduce((sum, table) => sum + bytesIn(table, ours), 0)
}

/** Adds up the receive queues of a table as proc(5) describes `/proc/net/udp`; `ours` are addresses as it writes them. */
export function bytesIn(table: string, ours: ReadonlySet<string>): number {
  let sum = 0
  for (const line of table.split('\n')) {
    const [, local = '', , state, queues = ''] = line.trim().split(/\s+/)
    if (state === LISTENING || !ours.has(local)) continue
    sum += Number.parseInt(queues.split(':')[1] ?? '', 16) || 0
  }
  return sum
}

/** `0100007F:13C4`: each four bytes as a number of the machine, which is little-endian wherever Node.js runs. */
export function kernelAddress({ address, port }: Pick<ListenSocket, 'address' | 'port'>): string {
  const bytes = addressBytes(address) ?? []
  let text = ''
  for (let i = 0; i < bytes.length; i += 4) {
    const word = bytes.slice(i, i + 4).toReversed()
    text += word.map(byte => byte.toString(16).padStart(2, '0')).join('')
  }
  return `${text}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
}
