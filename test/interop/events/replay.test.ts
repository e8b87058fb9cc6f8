import { expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { eventRig } from './event-rig.ts'

it('evi:replay sends no more events a second than it is told, and no event of another time', async () => {
  const clock = new VirtualClock()
  const script = `startup_route { subscribe_event("E_A", "@UDP@ [durable]"); } route { raise_event("E_A"); exit; }`
  const { proxy, peer, settled } = await eventRig(script, { clock })
  const { mi, spool } = proxy.proxy.host
  const raise = (n: number) => mi.call('evi:raise', { event: 'E_A', params: { n } })
  const until = async (check: () => boolean): Promise<void> => {
    while (!check()) await clock.advance(0)
  }
  await until(() => spool.spool !== undefined)
  await raise(0)
  await clock.advance(10_000)
  const from = String(clock.nowMs() / 1000)
  for (const n of [1, 2, 3]) await raise(n)
  await spool.spool?.flush()
  await clock.advance(10_000)
  const to = String(clock.nowMs() / 1000 - 5)
  await raise(4)
  await until(() => peer.payloads.length === 5)
  await settled()

  const replayed = mi.call('evi:replay', { from, to, event: 'E_A', socket: peer.socket, rate: 1 })
  const arrived = () => peer.payloads.slice(5).map(payload => JSON.parse(String(payload)).params.n)
  await until(() => arrived().length === 1)
  await clock.advance(900)
  expect(arrived()).toEqual([1])
  await clock.advance(100)
  await until(() => arrived().length === 2)
  await clock.advance(800)
  expect(arrived()).toEqual([1, 2])
  const done = replayed.then(result => ({ result }))
  for (let i = 0; i < 30; i++) await clock.advance(100)
  expect(await done).toEqual({ result: { Replayed: 3 } })
  await until(() => arrived().length === 3)
  expect(arrived()).toEqual([1, 2, 3])
})
