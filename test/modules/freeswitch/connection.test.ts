import { describe, expect, it, onTestFinished } from 'vitest'
import { Servers } from '../../../src/modules/freeswitch/servers.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { MemoryLog } from '../../mi/memory-log.ts'
import { bodyFrame, EslServer, replyFrame } from '../../support/esl-server.ts'
import { until } from '../../support/until.ts'

const TIMEOUT_MS = 5000

function setUp() {
  const clock = new VirtualClock()
  const log = new MemoryLog()
  const settings = { connectTimeoutMs: TIMEOUT_MS, commandTimeoutMs: TIMEOUT_MS }
  const servers = new Servers({ clock, log, settings }, 1000)
  onTestFinished(() => servers.close())
  return { clock, servers, logged: (part: string) => log.lines.filter(line => line.includes(part)).length }
}

const urlOf = (esl: EslServer, events = ''): string => `fs://:${esl.password}@127.0.0.1:${esl.port}?${events}`

/** Lets time pass, a second at a time, until it has come true. */
async function later(clock: VirtualClock, check: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !check(); i++) {
    await clock.advance(1000)
    for (let turns = 0; turns < 20 && !check(); turns++) await new Promise(resolve => setImmediate(resolve))
  }
  await until(check)
}

describe('a FreeSWITCH server', () => {
  it('is connected to once by all who use it, and disconnected from with the last', async () => {
    const { servers } = setUp()
    const esl = await EslServer.start()
    const seen: string[] = []
    const first = servers.hold(urlOf(esl, 'DTMF,HEARTBEAT'), ({ name }) => void seen.push(`first ${name}`))
    const second = servers.hold(`127.0.0.1:${esl.port}?DTMF`, ({ name }) => void seen.push(`second ${name}`))
    expect(await esl.took(2)).toEqual(['event json DTMF', 'event json HEARTBEAT'])
    expect([esl.connections, esl.logins]).toEqual([1, ['auth ClueCon']])
    esl.event({ 'Event-Name': 'HEARTBEAT' })
    esl.event({ 'Event-Name': 'DTMF' })
    await until(() => seen.length === 3)
    expect(seen).toEqual(['first HEARTBEAT', 'first DTMF', 'second DTMF'])
    first.release()
    expect(await esl.took(3)).toContain('nixevent HEARTBEAT')
    expect(await second.command('api status')).toBe('+OK status')
    second.release()
    second.release()
    await until(() => esl.openConnections === 0)
  })

  it('logs in with a user name where the URL has one, and waits for a password where none is known', async () => {
    const { servers } = setUp()
    const esl = await EslServer.start()
    const waiting = servers.hold(`127.0.0.1:${esl.port}`, () => {})
    expect(await waiting.command('api status')).toBeNull()
    servers.hold(`fs://admin:ClueCon@127.0.0.1:${esl.port}`, () => {})
    expect(await waiting.command('api status')).toBe('+OK status')
    expect(esl.logins).toEqual(['userauth admin:ClueCon'])
  })

  it('is found by its address alone when it has another port', async () => {
    const { servers } = setUp()
    const esl = await EslServer.start()
    servers.hold(urlOf(esl), () => {})
    expect(await servers.hold('127.0.0.1', () => {}).command('bgapi x')).toBe('+OK')
    expect(esl.connections).toBe(1)
  })

  it('gives answers to the commands they belong to, also when one comes late', async () => {
    const { clock, servers } = setUp()
    const esl = await EslServer.start()
    esl.answer = command => (command === 'api slow' ? '' : null)
    const server = servers.hold(urlOf(esl), () => {})
    expect(await server.command('api first')).toBe('+OK first')
    const slow = server.command('api slow')
    const next = server.command('api next')
    esl.answer = () => ''
    await esl.took(3)
    await clock.advance(TIMEOUT_MS)
    expect([await slow, await next]).toEqual([null, null])
    const last = server.command('multi\nline: x')
    await esl.took(4)
    esl.send(bodyFrame('api/response', 'late'))
    esl.send(replyFrame('+OK next') + replyFrame('-ERR last'))
    expect(await last).toBe('-ERR last')
    expect(esl.commands.at(-1)).toBe('multi\nline: x')
  })

  it.each(['', '\n\n', 'api a\n\napi b', 'api a\r\n\r\nexit'])(
    'sends nothing of %j, which is not one command',
    async text => {
      const { servers } = setUp()
      const esl = await EslServer.start()
      const server = servers.hold(urlOf(esl), () => {})
      expect(await server.command(text)).toBeNull()
      expect(await server.command('api ok')).toBe('+OK ok')
      expect(esl.commands).toEqual(['api ok'])
    },
  )

  it('is connected to again within a second, with its events', async () => {
    const { clock, servers, logged } = setUp()
    const esl = await EslServer.start()
    servers.hold(urlOf(esl, 'DTMF'), () => {})
    await esl.took(1)
    esl.drop()
    await until(() => logged('there is no connection') === 1)
    await clock.advance(1000)
    expect(await esl.took(2)).toEqual(['event json DTMF', 'event json DTMF'])
  })

  it('that stays away is tried less often after twenty failures, and said to be away once', async () => {
    const { clock, servers, logged } = setUp()
    const esl = await EslServer.start()
    esl.isRefusing = true
    const server = servers.hold(urlOf(esl), () => {})
    const failed = async (count: number): Promise<void> => {
      await until(() => esl.connections === count)
      expect(await server.command('api x')).toBeNull()
    }
    for (let i = 1; i <= 20; i++) {
      await failed(i)
      await clock.advance(1000)
    }
    await failed(21)
    await clock.advance(4000)
    expect(esl.connections).toBe(21)
    esl.isRefusing = false
    await clock.advance(1000)
    await until(() => logged('connected to a FreeSWITCH server') === 1)
    expect(logged('there is no connection')).toBe(1)
  })

  it('that refuses a subscription is asked again', async () => {
    const { clock, servers, logged } = setUp()
    const esl = await EslServer.start()
    esl.answer = command => (command === 'event json BAD' ? replyFrame('-ERR no') : null)
    servers.hold(urlOf(esl, 'BAD,DTMF'), () => {})
    expect(await esl.took(2)).toEqual(['event json BAD', 'event json DTMF'])
    await until(() => logged('refuses a subscription') === 1)
    esl.answer = () => null
    await later(clock, () => esl.commands.length === 3)
    expect(esl.commands.at(-1)).toBe('event json BAD')
  })
})

describe('heartbeats', () => {
  const beat = (idle: string, sessions: string, most: string) => ({
    'Event-Name': 'HEARTBEAT',
    'Idle-CPU': idle,
    'Session-Count': sessions,
    'Max-Sessions': most,
  })

  it('are told; silence is said once', async () => {
    const { clock, servers, logged } = setUp()
    const esl = await EslServer.start()
    const states: unknown[] = []
    const end = servers.watch(urlOf(esl), state => void states.push(state))
    await esl.took(1)
    esl.event({ 'Event-Name': 'HEARTBEAT' })
    esl.event(beat('x', '1', '2'))
    esl.event(beat('97.5', '10', '1000'))
    await until(() => states.length === 1)
    expect(states).toEqual([{ idleCpu: 97.5, sessions: 10, maxSessions: 1000 }])
    await clock.advance(10_000)
    esl.event(beat('50', '0', '1'))
    await until(() => states.length === 2)
    await clock.advance(10_000)
    expect(logged('no heartbeat')).toBe(1)
    const late: unknown[] = []
    servers.watch(urlOf(esl), state => void late.push(state))()
    expect(late).toEqual([{ idleCpu: 50, sessions: 0, maxSessions: 1 }])
    end()
    await until(() => esl.openConnections === 0)
  })

  it('of a URL that is none never come, which is logged', () => {
    const { servers, logged } = setUp()
    servers.watch('fs://:secret@', () => {})()
    expect([logged('cannot be watched'), logged('secret')]).toEqual([1, 0])
  })
})

describe('a server that misbehaves', () => {
  it.each([
    ['garbage', 'HTTP/1.1 400 Bad Request\r\n\r\n\n\n'],
    ['binary garbage', Buffer.alloc(1000, 0xff)],
    ['a huge Content-Length', 'Content-Type: api/response\nContent-Length: 9999999999\n\n'],
    ['a frame without type', 'A: b\n\n'],
    ['endless headers', `A: ${'x'.repeat(100_000)}`],
    ['a refusal', bodyFrame('text/rude-rejection', 'Access Denied')],
  ])('with %s is left and tried again', async (_what, bytes) => {
    const { clock, servers, logged } = setUp()
    const esl = await EslServer.start()
    const server = servers.hold(urlOf(esl), () => {})
    expect(await server.command('api a')).toBe('+OK a')
    const pending = server.command('nothing')
    esl.answer = () => ''
    // Binary noise has no end by itself.
    esl.send(bytes)
    esl.send('\n\n')
    await until(() => logged('there is no connection') === 1)
    await pending
    esl.answer = () => null
    await clock.advance(1000)
    expect(await server.command('api b')).toBe('+OK b')
  })

  it('a byte at a time, before it lets us in, has as much time as any other', async () => {
    const { clock, servers, logged } = setUp()
    const esl = await EslServer.start()
    esl.isSilent = true
    const server = servers.hold(urlOf(esl), () => {})
    await until(() => esl.connections === 1)
    const answer = server.command('api a')
    for (const byte of 'Content-Type: auth/request\n') {
      esl.send(byte)
      await clock.advance(1000)
    }
    expect(await answer).toBeNull()
    expect(logged('did not let us in in time')).toBeGreaterThan(0)
  })

  it('and answers nothing is taken for dead', async () => {
    const { clock, servers, logged } = setUp()
    const esl = await EslServer.start()
    const server = servers.hold(urlOf(esl), () => {})
    await server.command('api a')
    esl.answer = () => ''
    const answer = server.command('api b')
    await esl.took(2)
    await clock.advance(TIMEOUT_MS * 6)
    expect(await answer).toBeNull()
    expect(logged('it answers no commands')).toBe(1)
  })

  it('with a wrong password is not asked more often than others', async () => {
    const { servers, logged } = setUp()
    const esl = await EslServer.start()
    servers.hold(`fs://:wrong@127.0.0.1:${esl.port}`, () => {})
    await until(() => logged('refuses the password') === 1)
    expect([esl.logins, logged('wrong')]).toEqual([['auth wrong'], 0])
  })

  it('with events that cannot be read loses only those', async () => {
    const { servers, logged } = setUp()
    const esl = await EslServer.start()
    const seen: unknown[] = []
    servers.hold(urlOf(esl, 'CUSTOM sofia::register'), event => void seen.push(event))
    await esl.took(1)
    esl.send(bodyFrame('text/event-json', '{"Event-Name":'))
    esl.event({ 'Event-Name': 'CUSTOM', 'Event-Subclass': 'other' })
    esl.event({ 'Event-Name': 'CUSTOM', 'Event-Subclass': 'sofia::register' })
    await until(() => seen.length === 1)
    expect(seen).toEqual([
      { name: 'CUSTOM', sender: '127.0.0.1', body: '{"Event-Name":"CUSTOM","Event-Subclass":"sofia::register"}' },
    ])
    expect(logged('cannot be read')).toBe(1)
  })
})
