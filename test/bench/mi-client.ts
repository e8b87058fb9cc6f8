/**
 * `node mi-client.ts PORT COUNT BODY`: posts a body to `/mi` COUNT times over a few connections that stay open, each request
 * when the one before is answered. A process of its own, so that its work is not counted with the server's.
 */
import { connect } from 'node:net'

const CONNECTIONS = 16
const [port = '0', count = '0', body = ''] = process.argv.slice(2)
const request = `POST /mi HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
let left = Number(count)

await Promise.all(Array.from({ length: CONNECTIONS }, askUntilDone))

function askUntilDone(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    let text = ''
    const ask = (): void => {
      if (left-- > 0) socket.write(request)
      else socket.end(() => resolve())
    }
    socket.setEncoding('latin1')
    socket.on('error', reject)
    socket.on('connect', ask)
    socket.on('data', piece => {
      text += `${piece}`
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (head < 0 || text.length < head + 4 + length) return
      if (!text.startsWith('HTTP/1.1 200')) reject(new Error(text.slice(0, 200)))
      text = ''
      ask()
    })
  })
}
