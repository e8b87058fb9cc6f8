import { execFileSync } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../../src/util/clock.ts'
import { RawHttp } from '../../mi/doors/raw-http.ts'
import { UdpClient } from '../../mi/doors/udp-client.ts'
import { golden, httpBody } from '../../mi/golden.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'

/** The ways into management that were recorded. */
export const DOORS = ['datagram', 'fifo', 'http'] as const
export type Door = (typeof DOORS)[number]

/** A proxy with every door open, and a client for each. */
export interface OpenDoors {
  readonly proxy: ProxyUnderTest
  /** Sends one JSON text through a door and gives the JSON text answered. */
  ask(door: Door, json: string): Promise<string>
  /** Sends the bytes of a recording, `mi/which`, through a door as they are. */
  askRecorded(door: Door, name: string): Promise<string>
  /** Sends a request in the text form of 2.x through the FIFO and gives what is answered under this name. */
  askText(request: string, reply: string): Promise<string>
  /** Sends something that is not answered. */
  send(door: Door, bytes: string): Promise<void>
  readonly httpPort: number
  close(): Promise<void>
}

const PARTS = `
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@DIR@/fifo")
modparam("mi_fifo", "reply_dir", "@DIR@/")
loadmodule "mi_datagram.so"
modparam("mi_datagram", "socket_name", "udp:127.0.0.1:@DATAGRAM@")
loadmodule "httpd.so"
modparam("httpd", "port", @HTTP@)
loadmodule "mi_http.so"
`

/** Starts a proxy on a script to which the doors are added where it says `@DOORS@`. */
export async function openDoors(script: string, clock: Clock = systemClock): Promise<OpenDoors> {
  const [datagramPort, httpPort] = [await freePort(), await freePort()]
  const parts = PARTS.replace('@DATAGRAM@', String(datagramPort)).replace('@HTTP@', String(httpPort))
  const proxy = await startProxy(
    script.replace('@DOORS@', () => parts),
    { clock },
  )
  const udp = new UdpClient(`127.0.0.1:${datagramPort}`)
  const fifo = new FifoClient(proxy.folder)

  const askHttp = async (request: string | Buffer): Promise<string> => {
    const connection = new RawHttp(httpPort)
    try {
      return (await connection.ask(request)).body
    } finally {
      connection.close()
    }
  }
  const post = (json: string): string =>
    `POST /mi HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`

  return {
    proxy,
    httpPort,
    ask: (door, json) =>
      door === 'datagram' ? udp.ask(json) : door === 'fifo' ? fifo.ask(`:reply:${json}`, 'reply') : askHttp(post(json)),
    askRecorded: (door, name) => {
      const request = golden(`${name}.${door}.req`)
      if (door === 'datagram') return udp.ask(request)
      if (door === 'http') return askHttp(request)
      const reply = /^:([^:]+):/.exec(request.toString('latin1'))?.[1] ?? ''
      return fifo.ask(request.toString('utf8'), reply)
    },
    askText: (request, reply) => fifo.ask(request, reply, isWholeText),
    send: async (door, bytes) => {
      if (door === 'datagram') udp.send(bytes)
      else if (door === 'fifo') await fifo.write(bytes)
      else await askHttp(bytes)
    },
    close: async () => {
      udp.close()
      fifo.close()
      // What waits for an absent subscriber would be waited for until the end.
      await proxy.proxy.stop(AbortSignal.timeout(100))
      await proxy.stop()
    },
  }
}

/** The JSON text a recording holds as its answer. */
export function recordedAnswer(door: Door, name: string): string {
  const bytes = golden(`${name}.${door}.out`)
  return door === 'http' ? httpBody(bytes) : bytes.toString('utf8')
}

/** A client of the FIFO, with a reply FIFO for each name it is answered under. */
class FifoClient {
  readonly #folder: string
  readonly #replies = new Map<string, Socket>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async ask(request: string, reply: string, isEnd = isWhole): Promise<string> {
    const reader = this.#replies.get(reply) ?? this.#makeReply(reply)
    let text = ''
    const answer = new Promise<string>(resolve => {
      const take = (piece: string): void => {
        text += piece
        if (!isEnd(text)) return
        reader.off('data', take)
        resolve(text)
      }
      reader.on('data', take)
    })
    await this.write(request)
    return answer
  }

  /** Without blocking: this process is the reader, too. */
  write(request: string): Promise<void> {
    const fd = openSync(join(this.#folder, 'fifo'), constants.O_WRONLY | constants.O_NONBLOCK)
    const client = new Socket({ fd, readable: false })
    return new Promise((resolve, reject) => {
      client.on('error', reject)
      client.end(request, () => {
        client.destroy()
        resolve()
      })
    })
  }

  close(): void {
    for (const reader of this.#replies.values()) reader.destroy()
  }

  #makeReply(name: string): Socket {
    const path = join(this.#folder, name)
    execFileSync('mkfifo', [path])
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    const reader = new Socket({ fd, readable: true, writable: false })
    reader.setEncoding('utf8')
    this.#replies.set(name, reader)
    return reader
  }
}

/** `200 OK` goes on to an empty line, a refusal is one line. */
const isWholeText = (text: string): boolean => (text.startsWith('2') ? text.endsWith('\n\n') : text.endsWith('\n'))

/** An answer on a FIFO has no end of its own. */
function isWhole(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
