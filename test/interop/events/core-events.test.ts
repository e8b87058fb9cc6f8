import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Datagrams, type Scenario, startScenario } from '../scenarios/rig.ts'

const HEAD = `
socket=udp:127.0.0.1:@PORT@
loadmodule "sl.so"
loadmodule "event_datagram.so"
`
const ROUTE = 'route { sl_send_reply(200, "OK"); }'

const subscribed = (events: Datagrams, name: string, settings: string): Promise<Scenario> =>
  startScenario(`${settings}${HEAD}startup_route { subscribe_event("${name}", "udp:127.0.0.1:@EVENTS@"); }\n${ROUTE}`, {
    EVENTS: events.port,
  })

afterEach(() => void vi.restoreAllMocks())

describe('E_CORE_SHM_THRESHOLD', () => {
  it('tells that the process holds more of its memory than event_shm_threshold, and once when it no longer does', async () => {
    const events = await Datagrams.open()
    const limit = vi.spyOn(process, 'constrainedMemory').mockReturnValue(totalmem())
    const scenario = await subscribed(events, 'E_CORE_SHM_THRESHOLD', 'event_shm_threshold=50\n')
    const memory = vi.spyOn(process.memoryUsage, 'rss').mockReturnValue(700_000_000)
    limit.mockReturnValue(1_000_000_000)
    await scenario.clock.advance(3000)
    memory.mockReturnValue(400_000_000)
    await scenario.clock.advance(3000)
    const raise = (usage: number, used: number) =>
      '{"jsonrpc":"2.0","method":"E_CORE_SHM_THRESHOLD","params":' +
      `{"usage":${usage},"threshold":50,"used":${used},"size":1000000000}}`
    expect([await events.next(), await events.next()]).toEqual([raise(70, 700_000_000), raise(40, 400_000_000)])
    expect(events.received).toHaveLength(2)
  })
})

describe('E_CORE_PKG_THRESHOLD', () => {
  it('tells that the JavaScript heap holds more of its limit than event_pkg_threshold', async () => {
    const events = await Datagrams.open()
    const scenario = await subscribed(events, 'E_CORE_PKG_THRESHOLD', 'event_pkg_threshold=1\n')
    const ballast: object[][] = []
    const share = () => getHeapStatistics().used_heap_size / getHeapStatistics().heap_size_limit
    while (share() < 0.02) ballast.push(Array.from({ length: 10_000 }, () => ({})))
    await scenario.clock.advance(1000)
    const { method, params } = await events.nextEvent()
    expect([method, Object.keys(params)]).toEqual([
      'E_CORE_PKG_THRESHOLD',
      ['usage', 'threshold', 'used', 'size', 'pid'],
    ])
    expect(params).toMatchObject({ threshold: 1, size: getHeapStatistics().heap_size_limit, pid: process.pid })
    const { usage, used, size } = params
    expect(usage).toBe(Math.floor((100 * Number(used)) / Number(size)))
    // Still needed: what nobody uses any more could be freed before.
    expect(ballast.length).toBeGreaterThanOrEqual(0)
  })
})

describe('E_CORE_SR_STATUS_CHANGED', () => {
  it('has the documented members, and is raised only when the number changes', async () => {
    const events = await Datagrams.open()
    const scenario = await subscribed(events, 'E_CORE_SR_STATUS_CHANGED', '')
    scenario.proxy.host.status.set('core', 'main', 2, 'held up')
    scenario.proxy.host.status.set('core', 'main', 2, 'held up')
    scenario.proxy.host.status.set('core', 'main', 1, 'running')
    const raise = (now: number, details: string, before: number) =>
      '{"jsonrpc":"2.0","method":"E_CORE_SR_STATUS_CHANGED","params":{"group":"core","identifier":"main",' +
      `"status":${now},"details":"${details}","old_status":${before}}}`
    expect([await events.next(), await events.next()]).toEqual([raise(2, 'held up', 1), raise(1, 'running', 2)])
  })
})
