import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Step, Verdict } from '../../src/script/context.ts'
import { compileText, contextOf, FakeEnvironment } from './harness.ts'

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures', `${name}.cfg`), 'utf8')

/** Compiles a script of the scenarios with functions that record their calls. */
function prepare(name: string, functions: readonly string[], results: Readonly<Record<string, Verdict>> = {}) {
  const environment = new FakeEnvironment()
  environment.addLoose(functions, results)
  return compileText(fixture(name), environment)
}

const request = (method: string, uri = 'sip:bob@127.0.0.1') =>
  contextOf(
    `${method} ${uri} SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:a@127.0.0.1>;tag=f\nTo: <sip:bob@127.0.0.1>\nCall-ID: c\nCSeq: 1 ${method}\nContent-Length: 0\n\n`,
  )

describe('the db_text registrar of 2.x users', () => {
  const functions = [
    'mf_process_maxfwd_header',
    'sl_send_reply',
    'record_route',
    'loose_route',
    'append_hf',
    'www_authorize',
    'www_challenge',
    'save',
    'lookup',
    't_relay',
    'sl_reply_error',
  ]
  const runMain = async (method: string, results: Readonly<Record<string, Verdict>>) => {
    const { program, access, environment } = prepare('04-db-text-registrar', functions, { loose_route: -1, ...results })
    const m = request(method)
    await access.run(program.route('request', '0') as Step, m)
    return environment.calls
  }

  it('challenges a REGISTER without credentials and does not record the route of it', async () => {
    expect(await runMain('REGISTER', { www_authorize: -3 })).toEqual([
      'mf_process_maxfwd_header(10)',
      'loose_route()',
      'is_myself(127.0.0.1)',
      'is_myself(127.0.0.1)',
      'www_authorize(, subscriber)',
      'www_challenge(, 0)',
    ])
  })

  it('saves a REGISTER that is authorised', async () => {
    expect((await runMain('REGISTER', {})).slice(-2)).toEqual(['www_authorize(, subscriber)', 'save(location)'])
  })

  it('relays an INVITE to where the user is', async () => {
    expect((await runMain('INVITE', {})).slice(-3)).toEqual([
      'lookup(location)',
      'append_hf(P-hint: usrloc applied\r\n)',
      't_relay()',
    ])
  })

  it('answers 404 for a user that is not there', async () => {
    expect((await runMain('INVITE', { lookup: -1 })).at(-1)).toBe('sl_send_reply(404, Not Found)')
  })

  it('sends what carries a Route on its way through route[1]', async () => {
    expect((await runMain('BYE', { loose_route: 1, t_relay: -1 })).slice(-4)).toEqual([
      'loose_route()',
      'append_hf(P-hint: rr-enforced\r\n)',
      't_relay()',
      'sl_reply_error()',
    ])
  })

  it('stops at too many hops', async () => {
    expect((await runMain('INVITE', { mf_process_maxfwd_header: -1 })).at(-1)).toBe('sl_send_reply(483, Too Many Hops)')
  })
})

describe('pike of the slides (2.x)', () => {
  const functions = ['pike_check_req', 'sl_send_reply', 'fetch_event_params']

  it('drops with a log line and answers otherwise', async () => {
    const blocked = prepare('08-pike', functions, { pike_check_req: -1 })
    const m = contextOf()
    await blocked.access.run(blocked.program.route('request', '0') as Step, m)
    expect(m.dropped).toBe(true)
    expect(blocked.environment.printed).toEqual(['1:drop 127.0.0.9'])
    const free = prepare('08-pike', functions)
    await free.access.run(free.program.route('request', '0') as Step, contextOf())
    expect(free.environment.calls).toEqual(['pike_check_req()', 'sl_send_reply(200, OK)'])
  })

  it('has an event route with an AVP whose name holds a hyphen', async () => {
    const { program, access, environment } = prepare('08-pike', functions)
    expect(program.eventRoutes).toMatchObject([{ name: 'E_PIKE_BLOCKED', mode: null }])
    const m = access.dummyContext('event')
    m.avps.push('pike-ip', '127.0.0.9')
    await access.run(program.eventRoutes[0]?.step as Step, m)
    expect(environment.printed).toEqual(['2:IP 127.0.0.9 has been blocked'])
  })
})

describe('cluster messages (2.x)', () => {
  it('compiles, and takes a message apart', async () => {
    const { program, access, environment } = prepare('13-cluster', [
      'cache_fetch',
      'cache_store',
      'www_authorize',
      'www_challenge',
      'cluster_broadcast_req',
      'sl_send_reply',
      'save',
      'fetch_event_params',
    ])
    const m = access.dummyContext('event')
    m.avps.push('rcv_msg', 'HACKER|127.0.0.9')
    await access.run(program.eventRoutes[0]?.step as Step, m)
    expect(environment.calls.at(-1)).toBe('cache_store(local, bad-127.0.0.9, 1, 600)')
  })
})

describe('script machinery (4.x)', () => {
  const functions = [
    'is_method',
    't_check_trans',
    't_relay',
    'loose_route',
    'send_reply',
    'sl_reply_error',
    'subscribe_event',
    'update_stat',
    'raise_event',
    'sl_send_reply',
    'rest_get',
    't_reply',
  ]
  const prepared = (results: Readonly<Record<string, Verdict>> = {}) => {
    const environment = new FakeEnvironment()
    environment.addLoose(functions, results)
    environment.pvars.set('stat', {
      spec: { type: 'int', writable: false, doc: '', inner: 'required' },
      open: () => ({ get: () => 3 }),
    } as never)
    return compileText(fixture('29-machinery'), environment)
  }

  it('resumes after async() with the return code', async () => {
    const { program, access, environment } = prepared({ rest_get: -1 })
    await access.run(program.route('request', '0') as Step, contextOf())
    expect(environment.calls.at(-1)).toBe('t_reply(500, Backend down)')
    expect(environment.printed).toEqual(['2:rc=-1 code=<null>'])
  })

  it('has a timer route, an error route and a start-up route', async () => {
    const { program, access, environment } = prepared()
    expect(program.timers).toMatchObject([{ name: 'tick', intervalS: 2 }])
    await access.run(program.startup as Step, access.dummyContext('startup'))
    expect(environment.calls).toEqual(['subscribe_event(E_MY, flatstore:/tmp/my.events)'])
    await access.run(program.timers[0]?.step as Step, access.dummyContext('timer'))
    expect(environment.calls.slice(1)).toEqual(['update_stat(ticks, 1)', 'raise_event(E_MY, , 3)'])
    const m = contextOf()
    m.fault = { class: 1, level: 1, info: 'bad', status: 400, reason: 'Bad headers' }
    await access.run(program.route('error', '') as Step, m)
    expect(environment.calls.at(-1)).toBe('sl_send_reply(400, Bad headers)')
    expect(program.eventNames).toContain('E_MY')
  })
})
