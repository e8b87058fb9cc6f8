import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import httpd from '../../src/modules/httpd/index.ts'
import miHttp from '../../src/modules/mi_http/index.ts'
import { PING, PONG } from '../mi/golden-cases.ts'
import { type ModuleStand, moduleStand, NEVER, setUp } from '../mi/start-module.ts'

let stand: ModuleStand
let url: string
let stop: () => Promise<void>

async function start(params: Record<string, unknown> = {}): Promise<void> {
  stand = moduleStand()
  const server = setUp(stand, httpd, { port: 0 })
  const door = setUp(stand, miHttp, params)
  await server.start?.(NEVER)
  url = `http://127.0.0.1:${stand.apis.httpd?.bound?.port}`
  stop = async () => {
    await door.stop?.(NEVER)
    await server.stop?.(NEVER)
  }
}
beforeEach(() => start())
afterEach(() => stop())

const raise = (name: string, values: Record<string, string | number>): void => {
  const { bus } = stand.host
  const type = bus.catalogue.find(name) ?? bus.catalogue.define(name, null, 'test')
  bus.raise(type, Object.keys(values), Object.values(values))
}

/** The events of a stream, as they come. */
async function* events(query: string): AsyncGenerator<string> {
  const response = await fetch(`${url}/mi/events${query}`)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read()) {
      text += piece.value
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      yield* messages
    }
  } finally {
    await reader?.cancel()
  }
}

describe('mi_http', () => {
  it('answers commands under its root', async () => {
    const response = await fetch(`${url}/mi`, { method: 'POST', body: PING })
    expect(await response.text()).toBe(PONG)
  })

  it('root and pretty_printing are parameters', async () => {
    await stop()
    await start({ root: 'json', pretty_printing: 1 })
    const response = await fetch(`${url}/json`, { method: 'POST', body: PING })
    expect(await response.text()).toBe('{\n\t"jsonrpc": "2.0",\n\t"result": "OK",\n\t"id": 99\n}')
    expect((await fetch(`${url}/mi`, { method: 'POST', body: PING })).status).toBe(404)
  })

  it('streams events that a filter lets through', async () => {
    stand.host.bus.catalogue.define('E_X', null, 'test')
    const stream = events(`?event=E_X&filter=${encodeURIComponent('ip=10.*')}`)
    expect((await stream.next()).value).toBe(': ready')
    raise('E_X', { ip: '192.0.2.1' })
    raise('E_OTHER', { ip: '10.0.0.1' })
    raise('E_X', { ip: '10.0.0.1', n: 5 })
    const message: string = (await stream.next()).value
    expect(JSON.parse(message.slice('data: '.length))).toMatchObject({ event: 'E_X', params: { ip: '10.0.0.1', n: 5 } })
    await stream.return(undefined)
  })

  it('streams every event when none is named', async () => {
    const stream = events('')
    await stream.next()
    raise('E_ANY', {})
    expect((await stream.next()).value).toContain('"event":"E_ANY"')
    await stream.return(undefined)
  })

  it.each([
    ['?event=E_NOPE', 404, 'no module publishes an event E_NOPE'],
    ['?filter=%3D', 400, 'filter, character 1'],
  ])('/events%s is refused with the reason', async (query, status, text) => {
    const response = await fetch(`${url}/mi/events${query}`)
    expect(response.status).toBe(status)
    expect(await response.text()).toContain(text)
  })
})
