import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'

const PATIENT = { timeout: 20_000 }

it('a durable PARALLEL writes each event once, and its counters are those of the way that is furthest behind', async () => {
  const proxy = await startProxy(`
loadmodule "event_flatstore.so"
loadmodule "event_nats.so"
loadmodule "event_virtual.so"
startup_route { subscribe_event("E_V", "virtual:PARALLEL flatstore:@DIR@/events nats:127.0.0.1:1/nobody [durable]"); }
route { exit; }
`)
  const { bus, mi, spool } = proxy.proxy.host
  for (let n = 0; n < 200; n++) await mi.call('evi:raise', { event: 'E_V', params: { n } })
  const lines = (): string[] => {
    const path = join(proxy.folder, 'events')
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
  }
  await expect.poll(lines, PATIENT).toHaveLength(200)
  const [subscription] = bus.subscriptions('E_V')
  await expect.poll(() => subscription?.lanes.map(({ counters }) => counters.delivered), PATIENT).toEqual([200, 0])
  expect(subscription?.counters).toMatchObject({ raised: 200, delivered: 0 })
  const { delivered, failed, queued, inFlight, dropped } = subscription?.counters ?? ({} as never)
  const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  expect(delivered + failed + queued + inFlight + gone).toBe(200)
  let records = 0
  for await (const { receivers } of spool.spool?.records(0, Number.MAX_SAFE_INTEGER) ?? []) {
    records++
    expect(receivers).toHaveLength(2)
  }
  expect(records).toBe(200)
  await proxy.stop()
})
