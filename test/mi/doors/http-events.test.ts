import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type HttpAnswer,
  HttpListener,
  type HttpRequest,
  type HttpStream,
  type HttpWriter,
} from '../../../src/mi/doors/http.ts'
import { EventStreams, type TailEvent } from '../../../src/mi/doors/http-events.ts'
import { MiError } from '../../../src/mi/mi-error.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { MemoryLog } from '../memory-log.ts'

const AT = Date.UTC(2026, 10, 20, 15, 22, 7, 123)

/** A source that remembers who listens to what. */
class Source {
  readonly listeners = new Map<(event: TailEvent) => void, string>()
  readonly open = (event: string | null, filter: string | null, listener: (event: TailEvent) => void) => {
    if (event === 'E_NOPE') throw new MiError(404, 'Event not published', 'no module publishes an event E_NOPE')
    if (filter === '=') throw new MiError(400, 'Bad parameter value', 'filter, character 1: expected a name')
    if (event === 'E_CRASH') throw new Error('broken')
    this.listeners.set(listener, `${event} ${filter}`)
    return () => void this.listeners.delete(listener)
  }
  raise(event: string, params: TailEvent['params'] = null): void {
    for (const listener of this.listeners.keys()) listener({ event, timeMs: AT, params })
  }
}

let source: Source
let clock: VirtualClock
let streams: EventStreams

beforeEach(() => {
  source = new Source()
  clock = new VirtualClock()
  streams = new EventStreams(source.open, clock)
})

const request = (query = '', method = 'GET'): HttpRequest => ({
  method,
  path: ['events'],
  query: new URLSearchParams(query),
  headers: {},
  body: Buffer.alloc(0),
  remote: 'test',
  user: null,
})

class Writer implements HttpWriter {
  text = ''
  backlog = 0
  ended = false
  write = (text: string): void => void (this.text += text)
  end = (): void => void (this.ended = true)
  backlogBytes = (): number => this.backlog
}

function watch(query = ''): { out: Writer; leave: () => void } {
  const out = new Writer()
  return { out, leave: (streams.answer(request(query)) as HttpStream).open(out) }
}

describe('event streams', () => {
  it('carry events as JSON, one message each', () => {
    const { out } = watch()
    source.raise('E_X', { ip: '10.0.0.1', n: 5 })
    source.raise('E_Y', ['a', null])
    source.raise('E_Z')
    expect(out.text).toBe(
      ': ready\n\n' +
        'data: {"event":"E_X","time":"2026-11-20T15:22:07.123Z","params":{"ip":"10.0.0.1","n":5}}\n\n' +
        'data: {"event":"E_Y","time":"2026-11-20T15:22:07.123Z","params":["a",null]}\n\n' +
        'data: {"event":"E_Z","time":"2026-11-20T15:22:07.123Z"}\n\n',
    )
  })

  it('line ends inside values do not break messages', () => {
    const { out } = watch()
    source.raise('E_X', { text: 'a\n\ndata: b\r\n' })
    expect(out.text.split('\n\n')).toHaveLength(3)
  })

  it('hand name and filter to the source, and stop it when the client leaves', () => {
    const { leave } = watch('event=E_X&filter=ip%3D10.*')
    expect([...source.listeners.values()]).toEqual(['E_X ip=10.*'])
    leave()
    expect(source.listeners.size).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it.each<[string, string, number, string]>([
    ['an unknown event', 'event=E_NOPE', 404, 'no module publishes an event E_NOPE'],
    ['a bad filter', 'filter=%3D', 400, 'filter, character 1: expected a name'],
  ])('%s is refused with the reason', (_title, query, status, body) => {
    expect(streams.answer(request(query))).toMatchObject({ status, body })
  })

  it('a fault of the source is passed on', () => {
    expect(() => streams.answer(request('event=E_CRASH'))).toThrow('broken')
  })

  it('are only had by GET', () => {
    expect(streams.answer(request('', 'POST'))).toMatchObject({ status: 405, close: true })
  })

  it('beyond sixty-four are refused', () => {
    for (let i = 0; i < 64; i++) watch()
    expect((streams.answer(request()) as HttpAnswer).status).toBe(503)
  })

  it('leave out events while the client is behind, and then say how many', () => {
    const { out } = watch()
    out.text = ''
    out.backlog = 2 << 20
    source.raise('E_X')
    source.raise('E_X')
    expect(out.text).toBe('')
    out.backlog = 0
    source.raise('E_Y')
    expect(out.text).toMatch(/^event: missed\ndata: 2\n\ndata: \{"event":"E_Y"/)
  })

  it('show a sign of life every 15 s', async () => {
    const { out } = watch()
    out.text = ''
    await clock.advance(15_000)
    expect(out.text).toBe(': still here\n\n')
  })

  it('end when the interface closes', () => {
    const { out } = watch()
    streams.close()
    expect(out.ended).toBe(true)
  })
})

describe('event streams over HTTP', () => {
  let listener: HttpListener
  let url: string
  beforeEach(async () => {
    listener = new HttpListener(
      { host: '127.0.0.1', port: 0, maxBodyBytes: 1000, receiveTimeoutMs: 30_000 },
      new MemoryLog(),
    )
    listener.mount('mi', 'mi_http', request => streams.answer(request))
    url = `http://127.0.0.1:${(await listener.open()).port}/mi/events?event=E_X`
  })
  afterEach(() => listener.close())

  it('arrive at once, and the source is left when the client goes', async () => {
    const abort = new AbortController()
    const response = await fetch(url, { signal: abort.signal })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(': ready\n\n')
    source.raise('E_X', { a: 'é' })
    expect((await reader?.read())?.value).toContain('"params":{"a":"é"}')
    abort.abort()
    await expect.poll(() => source.listeners.size).toBe(0)
  })

  it('a client that reads nothing does not fill the memory', async () => {
    const response = await fetch(url)
    const text = 'x'.repeat(100_000)
    // 40 MB, far more than the bound and the system's own buffers together.
    for (let sent = 0; sent < 400; sent++) {
      source.raise('E_X', { text })
      if (sent % 20 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    while (!seen.includes('event: missed')) {
      const piece = await reader?.read()
      if (piece?.done !== false) break
      seen = (seen + piece.value).slice(-200_000)
      source.raise('E_Y')
    }
    expect(seen).toContain('event: missed')
    await reader?.cancel()
  })

  it('end when the listener closes', async () => {
    const response = await fetch(url)
    const text = response.text().catch(() => 'cut')
    streams.close()
    await listener.close()
    expect(await text).toMatch(/ready|cut/)
  })
})
