/**
 * `fork('mi-client.ts', [BODY])`: told `{ port, count }`, posts the body to `/mi` at that port COUNT times, over a few connections
 * that stay open until it ends, each request when the one before is answered; then says so. A process of its own, so that its work
 * is not counted with the server's, and one for all rounds, so that neither its start nor the opening of connections is in them.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Order {
  readonly port: number
  readonly count: number
}

const CONNECTIONS = 16
const [body = ''] = process.argv.slice(2)
const request = `POST /mi HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const opened = new Map<number, readonly Socket[]>()

process.on('message', async ({ port, count }: Order) => {
  const sockets = opened.get(port) ?? (await openAll(port))
  opened.set(port, sockets)
  let left = count
  const mayAsk = (): boolean => left-- > 0
  await Promise.all(sockets.map(socket => askWhile(mayAsk, socket)))
  process.send?.('done')
})

async function openAll(port: number): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1').setEncoding('latin1'))
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  return sockets
}

function askWhile(mayAsk: () => boolean, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const settle = (error?: Error): void => {
      socket.removeAllListeners()
      if (error === undefined) resolve()
      else reject(error)
    }
    const ask = (): void => {
      if (mayAsk()) socket.write(request)
      else settle()
    }
    socket.on('error', settle)
    socket.on('close', () => settle(new Error('the server closed the connection')))
    socket.on('data', piece => {
      text += `${piece}`
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (head < 0 || text.length < head + 4 + length) return
      if (!text.startsWith('HTTP/1.1 200')) return settle(new Error(text.slice(0, 200)))
      text = ''
      ask()
    })
    ask()
  })
}
