import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Delivery, Sink } from '../../../src/events/transport.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { whenUp } from '../../conformance/transport.ts'
import { atEnd, DEADLINE_MS, opened, post } from './rig.ts'

/** A server below HTTP: what it does with a connection once the first bytes of a request have come. */
async function rawPeer(onRequest: (socket: Socket) => void, reads = true): Promise<number> {
  const server = createServer({ pauseOnConnect: !reads }, socket => {
    socket.on('error', () => {})
    atEnd(() => socket.destroy())
    if (reads) socket.on('data', () => onRequest(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => server.close())
  return (server.address() as AddressInfo).port
}

async function send(port: number, withinMs = DEADLINE_MS, text = 'x'): Promise<{ delivery: Delivery; sink: Sink }> {
  const transport = opened()
  const sink = transport.open(`http://127.0.0.1:${port}/`)
  await whenUp(sink)
  const delivery = await sink.send(sampleEvent('E_X', ['a'], [text]), transport.deadline(withinMs))
  return { delivery, sink }
}

/** Writes a text byte by byte, without end. */
function drip(socket: Socket, text: string): void {
  let at = 0
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), 10)
  socket.on('close', () => clearInterval(timer))
}

describe('a receiver that', () => {
  it.each([
    ['a small event', 'x'],
    ['one larger than all buffers', 'y'.repeat(8_000_000)],
  ])('accepts and never reads leaves %s unknown at the deadline, and is taken to be away', async (_, text) => {
    const { delivery, sink } = await send(await rawPeer(() => {}, false), 2500, text)
    expect(delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_TIMEOUT' } })
    expect(sink.health).toMatchObject({ state: 'down', lastError: { code: 'E_TIMEOUT' } })
  })

  it('answers a byte now and then does not get beyond the deadline', async () => {
    const port = await rawPeer(socket => drip(socket, `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(10_000)}`))
    expect((await send(port, 1500)).delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_TIMEOUT' } })
  })

  it('has said 200 is believed, however slow the rest is', async () => {
    const port = await rawPeer(socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
      drip(socket, 'y')
    })
    expect((await send(port)).delivery).toEqual({ outcome: 'delivered' })
  })

  it('has said 200 is believed, however much follows', async () => {
    const { delivery } = await post({
      answer: response => {
        response.writeHead(200)
        const more = (): boolean => response.write('x'.repeat(16_384))
        response.on('drain', () => {
          while (more()) {}
        })
        while (more()) {}
      },
    })
    expect(delivery).toEqual({ outcome: 'delivered' })
  })

  it('resets the connection leaves the event unknown, and is asked again', async () => {
    let resets = 0
    const port = await rawPeer(socket => {
      if (resets++ === 0) socket.resetAndDestroy()
      else socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    })
    const { delivery, sink } = await send(port)
    expect(delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_NOT_CONNECTED' } })
    expect(sink.health.state).toBe('up')
    const again = await sink.send(sampleEvent('E_X', null, []), performance.now() + DEADLINE_MS)
    expect(again).toEqual({ outcome: 'delivered' })
  })

  it('closes the connection without an answer leaves the event unknown', async () => {
    const port = await rawPeer(socket => socket.end())
    expect((await send(port)).delivery).toMatchObject({ outcome: 'unknown', error: { code: 'E_NOT_CONNECTED' } })
  })

  it.each([
    ['garbage', '\0\x01\x02 what?\r\n\r\n'],
    ['another protocol', 'SIP/2.0 200 OK\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'X-Y: zzzzzzzzzzzzzzzz\r\n'.repeat(5000)}`],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a protocol to change to', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ])('answers %s leaves the event unknown', async (_, text) => {
    const { delivery } = await send(await rawPeer(socket => socket.write(text)))
    expect(delivery).toMatchObject({ outcome: 'unknown' })
    expect(delivery.outcome === 'unknown' && delivery.error.permanent).toBe(false)
  })

  it('talks before it is asked does no harm', async () => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    atEnd(() => server.close())
    const { delivery } = await send((server.address() as AddressInfo).port)
    expect(['failed', 'unknown']).toContain(delivery.outcome)
  })

  it('says more than one final answer is heard once', async () => {
    const port = await rawPeer(socket =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      ),
    )
    expect((await send(port)).delivery).toMatchObject({ outcome: 'failed', error: { retryAfterMs: 3000 } })
  })
})
