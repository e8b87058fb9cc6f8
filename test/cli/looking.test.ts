import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { freePort } from '../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../support/running-proxy.ts'
import { until } from '../support/until.ts'
import { CapturedIo } from './captured-io.ts'

/** A loaded machine writes late. */
const PATIENT = { timeout: 15_000 }

let proxy: ProxyUnderTest
let url: string

beforeAll(async () => {
  const http = await freePort()
  proxy = await startProxy(`
loadmodule "httpd.so"
loadmodule "mi_http.so"
loadmodule "event_flatstore.so"
loadmodule "event_datagram.so"
modparam("httpd", "port", ${http})
startup_route {
    subscribe_event("E_CALL", "flatstore:@DIR@/all [durable]");
    subscribe_event("E_CALL", "flatstore:@DIR@/bob", , "aor=bob");
    subscribe_event("E_CALL", "udp:127.0.0.1:9 [retries=0]");
}
route { exit; }
`)
  url = `http://127.0.0.1:${http}/mi`
  // An event that comes before its receiver is open fails once and is sent again, and the trail shows both.
  await until(() => proxy.proxy.host.bus.subscriptions().every(({ health }) => health.state === 'up'))
})
afterAll(() => proxy?.stop())

async function fanfare(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const io = new CapturedIo()
  const status = await main([...argv, '--url', url], io)
  return { status, out: io.out, err: io.err }
}

const raise = (aor: string, callid: string): unknown =>
  proxy.proxy.host.mi.call('evi:raise', { event: 'E_CALL', params: { aor, callid } })

const linesOf = (name: string): string[] => {
  try {
    return readFileSync(join(proxy.folder, name), 'utf8').split('\n').slice(0, -1)
  } catch {
    return []
  }
}

describe('looking for events', () => {
  it('explain says who would get an event, and which condition keeps it from the others', async () => {
    const { status, out } = await fanfare('explain', 'E_CALL', 'aor=alice')
    expect(status).toBe(0)
    const [udp, bob, all] = out.trimEnd().split(/\n(?=yes|no)/)
    expect(all).toMatch(/^yes {2}flatstore:.*\/all .*\n {5}has no filter$/)
    expect(bob).toMatch(/^no {3}flatstore:.*\/bob .*\n {5}aor=bob does not hold: aor is "alice"$/)
    expect(udp).toMatch(/^yes {2}udp:127\.0\.0\.1:9/)
    expect(linesOf('all')).toEqual([])
  })

  it('trail follows the events of a call through every subscriber', async () => {
    await raise('bob', 'call-1')
    await expect.poll(() => linesOf('all').length + linesOf('bob').length, PATIENT).toBe(2)
    await expect.poll(async () => (await fanfare('trail', 'callid=call-1')).out.split('\n').length, PATIENT).toBe(5)
    const { out } = await fanfare('trail', 'callid=call-1')
    const steps = out
      .trimEnd()
      .split('\n')
      .map(line => line.split('  ').slice(2))
    expect(steps[0]).toEqual(['E_CALL', 'raised'])
    expect(steps.slice(1).map(step => step[1])).toEqual(['delivered', 'delivered', 'delivered'])
    const id = out.split('  ')[1] ?? ''
    expect((await fanfare('trail', id)).out).toBe(out)
    expect((await fanfare('trail', 'callid=unknown')).out).toBe('nothing is remembered of it\n')
  })

  it('replay sends what is on disk once more, to one subscription, under the id it had', async () => {
    const before = linesOf('bob').length
    const { status, out } = await fanfare(
      'replay',
      '--from',
      '0',
      '--event',
      'E_CALL',
      '--filter',
      'callid=call-1',
      '--to-subscription',
      `flatstore:${proxy.folder}/bob`,
    )
    expect(status).toBe(0)
    expect(JSON.parse(out)).toEqual({ Replayed: 1 })
    await expect.poll(() => linesOf('bob').length, PATIENT).toBe(before + 1)
    expect(linesOf('bob')[before]).toBe(linesOf('bob')[before - 1])
    const ids = new Set(
      (await fanfare('trail', 'callid=call-1')).out
        .trimEnd()
        .split('\n')
        .map(line => line.split('  ')[1]),
    )
    expect(ids.size).toBe(1)
  })

  it('replay from a time nobody can read is refused with what was expected', async () => {
    const { status, err } = await fanfare('replay', '--from', 'yesterday')
    expect(status).toBe(1)
    expect(err).toContain('from: expected seconds since 1970 or a date, found "yesterday"')
  })

  it('spool lists what is on disk and for whom, and shows what was refused for good', async () => {
    await raise('x'.repeat(70_000), 'too-large')
    await expect.poll(async () => JSON.parse((await fanfare('spool', 'show')).out).Count, PATIENT).toBe(1)
    await expect
      .poll(async () => JSON.parse((await fanfare('spool')).out), PATIENT)
      .toMatchObject({ waiting_for_disk: 0, Receivers: [{ waiting: 0 }] })
    const list = JSON.parse((await fanfare('spool')).out)
    expect(list).toMatchObject({ folder: `${proxy.folder}/test.cfg.spool`, segments: 1 })
    const shown = JSON.parse((await fanfare('spool', 'show')).out)
    expect(shown.DeadLetters[0]).toMatchObject({ event: 'E_CALL', socket: 'udp:127.0.0.1:9', attempts: 1 })
    const { id } = shown.DeadLetters[0]
    const words = async (...argv: string[]) => JSON.parse((await fanfare('spool', ...argv)).out)
    expect(await words('retry', 'another')).toEqual({ Retried: 0 })
    expect(await words('retry', id)).toEqual({ Retried: 1 })
    // It is as large as it was.
    await expect.poll(() => words('show'), PATIENT).toMatchObject({ Count: 2, DeadLetters: [{ id }] })
    expect(await words('purge', id)).toEqual({ Purged: 1 })
    expect(await words('show')).toMatchObject({ DeadLetters: [] })
    expect((await fanfare('spool', 'shred')).status).toBe(2)
  })
})
