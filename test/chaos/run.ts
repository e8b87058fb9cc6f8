/**
 * `npm run chaos [-- --minutes N] [--seed S]`: 500 events a second into RabbitMQ, Kafka, NATS and Redis while these, and the
 * proxy itself, are killed and restarted at random. Afterwards every event that was on disk must be found at each of them,
 * no other, and repeated ones under their one id. Exit status 1 when that is not so.
 */
import { createSocket } from 'node:dgram'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { FanfareProcess } from '../cli/fanfare-process.ts'
import { randomOf } from '../events/spool/faulty-files.ts'
import { freePort } from '../support/ports.ts'
import { type Arrival, type Receiver, startReceivers } from './receivers.ts'

const PER_SECOND = 500
const TICK_MS = 20
/** Kills of the proxy in ten minutes. */
const KILLS_PER_TEN_MINUTES = 5
const CONFIGURATION = 'chaos.cfg'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
})
const minutes = Number(values.minutes)
const random = randomOf(Number(values.seed))
const folder = mkdtempSync(join(tmpdir(), 'fanfare-chaos-'))
const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(): Promise<number> {
  const receivers = await startReceivers()
  try {
    const [port, http] = [await freePort(), await freePort()]
    writeFileSync(join(folder, CONFIGURATION), script(port, http, receivers))
    const proxy = new KillableProxy(http)
    await proxy.start()
    const traffic = new Traffic(port)
    const ends = performance.now() + minutes * 60_000
    const kills = Math.max(2, Math.round((minutes * KILLS_PER_TEN_MINUTES) / 10))
    await Promise.all([killReceivers(receivers, ends), killProxy(proxy, kills, ends)])
    traffic.stop()
    await proxy.drained()
    await proxy.stop()
    say(`${traffic.sent} requests sent; ${committed().size} events were on disk`)
    return (await Promise.all(receivers.map(receiver => judge(receiver)))).every(isRight => isRight) ? 0 : 1
  } finally {
    await Promise.all(receivers.map(receiver => receiver.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}

const script = (port: number, http: number, receivers: readonly Receiver[]): string => `
socket=udp:127.0.0.1:${port}
loadmodule "sl.so"
loadmodule "httpd.so"
loadmodule "mi_http.so"
loadmodule "event_rabbitmq.so"
loadmodule "event_kafka.so"
loadmodule "event_nats.so"
loadmodule "event_bullmq.so"
modparam("httpd", "port", ${http})
modparam("event_rabbitmq", "connect_timeout", 5000)
startup_route {
${receivers.map(({ socket }) => `    subscribe_event("E_CHAOS", "${socket} [durable retry_max=2s]");`).join('\n')}
}
route {
    $avp(name) = "callid";
    $avp(value) = $ci;
    raise_event("E_CHAOS", $avp(name), $avp(value));
    sl_send_reply(200, "OK");
}
`

/** Ids and Call-IDs of everything that is in the spool now. Nothing leaves it within the run. */
function committed(): Map<string, string> {
  const spool = join(folder, `${CONFIGURATION}.spool`)
  const events = new Map<string, string>()
  for (const name of readdirSync(spool).filter(file => file.endsWith('.log'))) {
    const text = readFileSync(join(spool, name), 'latin1')
    for (const [, id = '', callId = ''] of text.matchAll(/"n":"E_CHAOS","i":"([^"]+)".*?"v":\["([^"]+)"\]/g))
      events.set(id, callId)
  }
  return events
}

/** The proxy under test, a process that is started again and again. */
class KillableProxy {
  readonly #url: string
  #process: FanfareProcess | undefined

  constructor(http: number) {
    this.#url = `http://127.0.0.1:${http}/mi`
  }

  async start(): Promise<void> {
    this.#process = new FanfareProcess(['run', join(folder, CONFIGURATION)])
    await this.#process.serves()
  }

  async kill(): Promise<void> {
    process.kill(this.#process?.pid ?? 0, 'SIGKILL')
    await this.#process?.ended
  }

  /** Waits until every receiver has everything. */
  async drained(): Promise<void> {
    for (;;) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'evi:spool' })
      const answer = await fetch(this.#url, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
      const { result } = (await answer.json()) as {
        result: { Receivers: { waiting: number }[]; waiting_for_disk: number }
      }
      const waiting = result.Receivers.reduce((sum, receiver) => sum + receiver.waiting, result.waiting_for_disk)
      if (waiting === 0) return
      say(`${waiting} deliveries to go`)
      await sleep(2000)
    }
  }

  async stop(): Promise<void> {
    await this.#process?.end()
  }
}

/** Sends requests, whoever listens. */
class Traffic {
  sent = 0
  readonly #socket = createSocket('udp4')
  readonly #timer: NodeJS.Timeout
  readonly #startedMs = performance.now()

  constructor(port: number) {
    this.#socket.on('message', () => {})
    this.#socket.on('error', () => {})
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#startedMs) * PER_SECOND) / 1000
      while (this.sent < due) this.#socket.send(this.#request(), port, '127.0.0.1')
    }, TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#socket.close()
  }

  #request(): string {
    const number = this.sent++
    return (
      `OPTIONS sip:chaos@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${number};rport\r\nMax-Forwards: 70\r\n` +
      `From: <sip:a@127.0.0.1>;tag=${number}\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: c${number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`
    )
  }
}

async function killReceivers(receivers: readonly Receiver[], ends: number): Promise<void> {
  await Promise.all(
    receivers.map(async receiver => {
      let kills = 0
      for (;;) {
        await sleep(Math.min(3000 + random() * 20_000, Math.max(0, ends - performance.now())))
        if (performance.now() >= ends) break
        await receiver.kill()
        await sleep(500 + random() * 8000)
        await receiver.restart()
        kills++
      }
      say(`${receiver.name} was killed ${kills} times`)
    }),
  )
}

async function killProxy(proxy: KillableProxy, kills: number, ends: number): Promise<void> {
  const pauseMs = (ends - performance.now()) / (kills + 1)
  for (let i = 0; i < kills; i++) {
    await sleep(pauseMs * (0.8 + random() * 0.4) - 500)
    await proxy.kill()
    say(`the proxy was killed with ${committed().size} events on disk`)
    await proxy.start()
  }
  await sleep(Math.max(0, ends - performance.now()))
}

async function judge(receiver: Receiver): Promise<boolean> {
  const wanted = committed()
  const arrivals = await receiver.stored()
  const byId = new Map<string, Arrival>()
  let strangers = 0
  for (const arrival of arrivals) {
    if (wanted.get(arrival.id) !== arrival.callId) strangers++
    byId.set(arrival.id, arrival)
  }
  const missing = [...wanted.keys()].filter(id => !byId.has(id)).length
  const repeated = arrivals.length - byId.size
  say(
    `${receiver.name}: ${byId.size} events, ${missing} missing, ${strangers} unknown, ${repeated} repeated under their id`,
  )
  return missing === 0 && strangers === 0
}

process.exitCode = await main()
