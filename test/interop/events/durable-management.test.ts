import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import { CapturedIo } from '../../cli/captured-io.ts'
import { FanfareProcess } from '../../cli/fanfare-process.ts'
import { HttpPeer } from '../../transports/http/http-peer.ts'

const PATIENT = { timeout: 30_000 }
const EVENTS = 5
/** Lifetime of the subscription, seconds. */
const EXPIRE = 600
const TTL_BEFORE_CRASH = EXPIRE - 2

interface Subscriber {
  readonly expire: number
  readonly ttl: number
}

const SCRIPT = `
log_level=3
socket=udp:127.0.0.1:0
loadmodule "httpd.so"
loadmodule "mi_http.so"
loadmodule "event_http.so"
loadmodule "event_datagram.so"
modparam("httpd", "port", 0)
startup_route { subscribe_event("E_BIG", "udp:127.0.0.1:9"); }
route { raise_event("E_KEPT"); exit; }
`

/** The commands people type, against one proxy. Rejects with what they say when they fail. */
function commands(url: string) {
  const fanfare = async (...argv: string[]): Promise<unknown> => {
    const io = new CapturedIo()
    const status = await main([...argv, '--url', url], io)
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${io.err}`)
    return io.out.startsWith('{') ? JSON.parse(io.out) : io.out
  }
  return { fanfare, mi: (...words: string[]) => fanfare('mi', ...words) }
}

it('what management subscribed durably, and dead letters, outlive kill -9', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-durable-mi-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'proxy.cfg'), SCRIPT)
  const peer = await HttpPeer.open()
  onTestFinished(() => peer.stop())
  await peer.stop()
  const start = async () => {
    const proxy = new FanfareProcess(['run', join(folder, 'proxy.cfg')])
    onTestFinished(() => proxy.end())
    await proxy.serves()
    return { proxy, ...commands(await proxy.managementUrl()) }
  }
  const kill = async (proxy: FanfareProcess): Promise<void> => {
    process.kill(proxy.pid, 'SIGKILL')
    await proxy.ended
  }

  const first = await start()
  await first.mi('evi:subscribe', 'event=E_KEPT', `socket=${peer.socket}`, `expire=${EXPIRE}`, 'options=durable')
  for (let n = 0; n < EVENTS; n++) await first.mi('evi:raise', 'E_KEPT', JSON.stringify({ n }))
  await first.mi('evi:raise', 'E_BIG', JSON.stringify({ text: 'x'.repeat(70_000) }))
  const listed = async (run: typeof first): Promise<Subscriber[]> => {
    const { Event } = (await run.mi('subscribers_list', 'E_KEPT')) as { Event: { Subscribers?: Subscriber[] } }
    return Event.Subscribers ?? []
  }
  const shown = async (run: typeof first) => (await run.fanfare('spool', 'show')) as { DeadLetters: { id: string }[] }
  await expect.poll(async () => (await shown(first)).DeadLetters.length, PATIENT).toBe(1)
  const [letter] = (await shown(first)).DeadLetters
  await expect.poll(() => first.fanfare('spool'), PATIENT).toMatchObject({ waiting_for_disk: 0 })
  const { Steps } = (await first.mi('evi:trail', 'limit=1000')) as { Steps: { id: string; event: string }[] }
  const ids = new Set(Steps.filter(({ event }) => event === 'E_KEPT').map(({ id }) => id))
  expect(ids.size).toBe(EVENTS)
  // So much of its lifetime is over before the crash that starting anew would show.
  await expect.poll(async () => (await listed(first))[0]?.ttl, PATIENT).toBeLessThanOrEqual(TTL_BEFORE_CRASH)
  await kill(first.proxy)

  await peer.start()
  const second = await start()
  await expect.poll(() => peer.requests.all.length, PATIENT).toBe(EVENTS)
  expect(new Set(peer.requests.all.map(({ headers }) => headers['webhook-id']))).toEqual(ids)
  const [subscriber, ...others] = await listed(second)
  expect(others).toEqual([])
  expect(subscriber).toMatchObject({ expire: EXPIRE, options: 'durable', delivered: EVENTS })
  expect(subscriber?.ttl).toBeLessThanOrEqual(TTL_BEFORE_CRASH)
  await expect.poll(() => shown(second), PATIENT).toMatchObject({ DeadLetters: [{ id: letter?.id, event: 'E_BIG' }] })
  await second.mi('evi:unsubscribe', 'E_KEPT', peer.socket)
  expect(await second.fanfare('spool', 'purge', letter?.id ?? '')).toEqual({ Purged: 1 })
  second.proxy.signal('SIGTERM')
  await second.proxy.ended

  const third = await start()
  expect(await listed(third)).toEqual([])
  expect(await shown(third)).toMatchObject({ DeadLetters: [] })
  await third.proxy.end()
})
