import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/tail.ts'
import { HttpListener } from '../../src/mi/doors/http.ts'
import { EventStreams, type TailEvent } from '../../src/mi/doors/http-events.ts'
import { MiError } from '../../src/mi/mi-error.ts'
import { systemClock } from '../../src/util/clock.ts'
import { MemoryLog } from '../mi/memory-log.ts'
import { CapturedIo } from './captured-io.ts'

const timeMs = Date.UTC(2026, 10, 20, 15, 22, 7, 123)
let listener: HttpListener
let streams: EventStreams
let url: string
let asked: [string | null, string | null][]
let listeners: ((event: TailEvent) => void)[]

beforeEach(async () => {
  asked = []
  listeners = []
  streams = new EventStreams((event, filter, take) => {
    if (event === 'E_NOPE') throw new MiError(404, 'x', 'no module publishes an event E_NOPE')
    asked.push([event, filter])
    listeners.push(take)
    return () => {}
  }, systemClock)
  listener = new HttpListener(
    { host: '127.0.0.1', port: 0, maxBodyBytes: 1000, receiveTimeoutMs: 30_000 },
    new MemoryLog(),
  )
  listener.mount('mi', 'mi_http', request => streams.answer(request))
  url = `http://127.0.0.1:${(await listener.open()).port}/mi`
})
afterEach(() => listener.close())

/** Runs until the events are printed, then ends the stream. */
async function watch(argv: string[], ...events: TailEvent[]): Promise<{ status: number; out: string; err: string }> {
  const io = new CapturedIo()
  const running = run([...argv, '--url', url], io)
  await expect.poll(() => listeners.length, { timeout: 20_000 }).toBe(1)
  for (const event of events) listeners[0]?.(event)
  await expect.poll(() => io.out.split('\n').length - 1, { timeout: 20_000 }).toBe(events.length)
  streams.close()
  return { status: await running, out: io.out, err: io.err }
}

describe('fanfare tail', () => {
  it('prints one line an event', async () => {
    const { status, out } = await watch(
      [],
      { event: 'E_X', timeMs, params: { ip: '10.0.0.1', n: 5, none: null } },
      { event: 'E_Y', timeMs, params: ['a', 'two words'] },
      { event: 'E_Z', timeMs, params: null },
    )
    expect(status).toBe(0)
    expect(out).toBe(
      '2026-11-20T15:22:07.123Z E_X ip=10.0.0.1 n=5 none=null\n' +
        '2026-11-20T15:22:07.123Z E_Y a "two words"\n' +
        '2026-11-20T15:22:07.123Z E_Z\n',
    )
  })

  it('sends no control characters to the terminal', async () => {
    const { out } = await watch([], {
      event: 'E_X',
      timeMs,
      params: { a: '\u001b[2J', b: 'x\ny', c: '\u009b', d: 'Zoë' },
    })
    expect(out).toContain('a="\\u001b[2J" b="x\\ny" c="\\u009b" d=Zoë\n')
  })

  it('prints the events as JSON when asked to', async () => {
    const { out } = await watch(['--json'], { event: 'E_X', timeMs, params: { a: 1 } })
    expect(JSON.parse(out)).toEqual({ event: 'E_X', time: '2026-11-20T15:22:07.123Z', params: { a: 1 } })
  })

  it('asks for an event and a filter', async () => {
    await watch(['E_X', '--filter', 'ip=10.*;n=1'])
    expect(asked).toEqual([['E_X', 'ip=10.*;n=1']])
  })

  it('prints why the proxy refuses', async () => {
    const io = new CapturedIo()
    expect(await run(['E_NOPE', '--url', url], io)).toBe(1)
    expect(io.err).toContain('answered 404: no module publishes an event E_NOPE')
  })

  it('says so when the connection breaks', async () => {
    let response: ServerResponse | undefined
    const server = createServer((_request, answer) => (response = answer).write(': ready\n\n')).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const io = new CapturedIo()
    const running = run(['--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}/mi`], io)
    await expect.poll(() => response, { timeout: 20_000 }).toBeDefined()
    server.closeAllConnections()
    expect(await running).toBe(1)
    expect(io.err).toBe('the proxy closed the connection\n')
    await new Promise(resolve => server.close(resolve))
  })

  it.each([
    [['A', 'B'], 'one event at most'],
    [['--url', 'udp:127.0.0.1:1'], 'only streamed over HTTP'],
  ])('%j is a mistake of usage', async (argv, message) => {
    await expect(run(argv, new CapturedIo())).rejects.toThrow(message)
  })
})
