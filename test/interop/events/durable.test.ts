import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, nuid } from 'nats'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { FanfareProcess } from '../../cli/fanfare-process.ts'
import { freePort } from '../../support/ports.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'

const EVENTS = 300
const address = inject('natsAddress')

const script = (port: number, relay: number, subject: string): string => `
socket=udp:127.0.0.1:${port}
loadmodule "sl.so"
loadmodule "event_nats.so"
startup_route { subscribe_event("E_KEPT", "nats:127.0.0.1:${relay}/${subject} [durable]"); }
route {
    $avp(name) = "callid";
    $avp(value) = $ci;
    raise_event("E_KEPT", $avp(name), $avp(value));
    sl_send_reply(200, "OK");
}
`

/** Ids of the events that are on disk, by the Call-ID each carries. */
function spooled(folder: string): Map<string, string> {
  const spool = join(folder, 'proxy.cfg.spool')
  const ids = new Map<string, string>()
  for (const name of readdirSync(spool).filter(file => file.endsWith('.log'))) {
    const text = readFileSync(join(spool, name), 'latin1')
    for (const [, id = '', callId = ''] of text.matchAll(/"n":"E_KEPT","i":"([^"]+)".*?"v":\["([^"]+)"\]/g))
      ids.set(callId, id)
  }
  return ids
}

describe.skipIf(address === null)('a durable subscription', () => {
  it('loses nothing to kill -9 while its receiver is away, and gives each event under the id it had', {
    timeout: 90_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-durable-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const relay = await TcpRelay.to(Number(address?.split(':')[1]))
    onTestFinished(() => relay.stop())
    const relayPort = relay.port
    await relay.stop()
    const receiver = await connect({ servers: address ?? '' })
    onTestFinished(() => receiver.close())
    const subject = `durable.${nuid.next()}`
    const got: { callId: string; id: string }[] = []
    receiver.subscribe(subject, {
      callback: (_error, message) => {
        got.push({ callId: JSON.parse(message.string()).params.callid, id: message.headers?.get('Nats-Msg-Id') ?? '' })
      },
    })
    await receiver.flush()

    const port = await freePort()
    writeFileSync(join(folder, 'proxy.cfg'), script(port, relayPort, subject))
    const start = async (): Promise<FanfareProcess> => {
      const proxy = new FanfareProcess(['run', join(folder, 'proxy.cfg')])
      onTestFinished(() => proxy.end())
      await proxy.serves()
      return proxy
    }
    const first = await start()
    const phone = await SipUa.open('phone')
    for (let i = 0; i < EVENTS; i++) {
      phone.request('OPTIONS', port, { callId: `call${i}` })
      if (i % 20 === 19) await expect.poll(() => phone.received.length, { timeout: 20_000 }).toBe(i + 1)
    }
    await expect.poll(() => spooled(folder).size, { timeout: 20_000 }).toBe(EVENTS)
    const ids = spooled(folder)
    process.kill(first.pid, 'SIGKILL')
    await first.ended

    await relay.start()
    const second = await start()
    await expect.poll(() => new Set(got.map(({ callId }) => callId)).size, { timeout: 30_000 }).toBe(EVENTS)
    for (const { callId, id } of got) expect(id).toBe(ids.get(callId))
    expect(got.map(({ callId }) => callId)).toEqual(Array.from({ length: EVENTS }, (_, i) => `call${i}`))
    second.signal('SIGTERM')
    await second.ended

    const third = await start()
    phone.request('OPTIONS', port, { callId: 'after' })
    await expect.poll(() => got.at(-1)?.callId, { timeout: 20_000 }).toBe('after')
    expect(got).toHaveLength(EVENTS + 1)
    await third.end()
  })
})
