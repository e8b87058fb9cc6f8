/**
 * `npm run chaos [-- --minutes N] [--seed S]`: 500 events a second into RabbitMQ, Kafka, NATS and Redis while these, and the
 * proxy itself, are killed and restarted at random. Afterwards every event that was on disk must be found at each of them,
 * no other, and repeated ones under their one id. Exit status 1 when that is not so.
 */
import { createSocket } from 'node:dgram'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
/** At the end all brokers are up: so long without a single delivery means that the proxy is stuck. */
const STUCK_AFTER_MS = 120_000
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
  let isRight = false
  try {
    isRight = await run(receivers)
  } finally {
    await Promise.all(receivers.map(receiver => receiver.stop()))
    if (isRight) rmSync(folder, { recursive: true, force: true })
    else say(`the spool and the log of the proxy are kept in ${folder}`)
  }
  return isRight ? 0 : 1
}

async function run(receivers: readonly Receiver[]): Promise<boolean> {
  const [port, http] = [await freePort(), await freePort()]
  writeFileSync(join(folder, CONFIGURATION), script(port, http, receivers))
  const proxy = new KillableProxy(http)
  try {
    await proxy.start()
    const traffic = new Traffic(port)
    await killAll(receivers, proxy).finally(() => traffic.stop())
    await proxy.drained()
    say(`${traffic.sent} requests sent, ${traffic.answered} answered; ${committed().size} events were on disk`)
  } finally {
    await proxy.stop()
  }
  return (await Promise.all(receivers.map(receiver => judge(receiver)))).every(isRight => isRight)
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

  /** Ends it with SIGKILL. */
  async kill(): Promise<void> {
    await this.#process?.end()
    appendFileSync(join(folder, 'proxy.log'), this.#process?.err ?? '')
    this.#process = undefined
  }

  /** Waits until every receiver has everything. Throws when nothing is delivered any more. */
  async drained(): Promise<void> {
    let least = Number.POSITIVE_INFINITY
    let progressMs = performance.now()
    for (;;) {
      const receivers = await this.#waiting()
      const waiting = receivers.reduce((sum, receiver) => sum + receiver.waiting, 0)
      if (waiting === 0) return
      say(`${waiting} deliveries to go`)
      const nowMs = performance.now()
      if (waiting < least) [least, progressMs] = [waiting, nowMs]
      else if (nowMs - progressMs > STUCK_AFTER_MS)
        throw new Error(`nothing was delivered for ${STUCK_AFTER_MS / 1000} s: ${JSON.stringify(receivers)}`)
      await sleep(2000)
    }
  }

  async stop(): Promise<void> {
    await this.kill()
  }

  /** Events that each receiver has still to get, those that wait for the disk first. */
  async #waiting(): Promise<readonly { readonly name: string; readonly waiting: number }[]> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'evi:spool' })
    const answer = await fetch(this.#url, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
    const { result } = (await answer.json()) as {
      result: { Receivers: { name: string; waiting: number }[]; waiting_for_disk: number }
    }
    return [{ name: 'the disk', waiting: result.waiting_for_disk }, ...result.Receivers]
  }
}

/** Sends requests, whoever listens. */
class Traffic {
  sent = 0
  answered = 0
  readonly #socket = createSocket('udp4')
  readonly #timer: NodeJS.Timeout
  readonly #startedMs = performance.now()

  constructor(port: number) {
    this.#socket.on('message', () => void this.answered++)
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

/** Kills until the time is over. Rejects, with nothing being started any more, when something does not come back. */
async function killAll(receivers: readonly Receiver[], proxy: KillableProxy): Promise<void> {
  const failed = new AbortController()
  const ends = performance.now() + minutes * 60_000
  const pause = (ms: number): Promise<void> =>
    sleep(Math.max(0, Math.min(ms, ends - performance.now())), undefined, { signal: failed.signal })
  const jobs = [killProxy(proxy, ends, pause), ...receivers.map(receiver => killReceiver(receiver, ends, pause))]
  for (const job of jobs) job.catch(() => failed.abort())
  const results = await Promise.allSettled(jobs)
  const reasons = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  const [cause = reasons[0]] = reasons.filter(reason => reason?.name !== 'AbortError')
  if (cause !== undefined) throw cause
}

async function killReceiver(receiver: Receiver, ends: number, pause: (ms: number) => Promise<void>): Promise<void> {
  let kills = 0
  for (;;) {
    await pause(3000 + random() * 20_000)
    if (performance.now() >= ends) break
    await receiver.kill()
    await pause(500 + random() * 8000)
    await receiver.restart()
    kills++
  }
  say(`${receiver.name} was killed ${kills} times`)
}

async function killProxy(proxy: KillableProxy, ends: number, pause: (ms: number) => Promise<void>): Promise<void> {
  const kills = Math.max(2, Math.round((minutes * KILLS_PER_TEN_MINUTES) / 10))
  const pauseMs = (ends - performance.now()) / (kills + 1)
  for (let i = 0; i < kills; i++) {
    await pause(pauseMs * (0.8 + random() * 0.4) - 500)
    await proxy.kill()
    say(`the proxy was killed with ${committed().size} events on disk`)
    await proxy.start()
  }
  await pause(Number.POSITIVE_INFINITY)
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
  const missing = [...wanted.keys()].filter(id => !byId.has(id))
  const repeated = arrivals.length - byId.size
  say(
    `${receiver.name}: ${byId.size} events, ${missing.length} missing, ${strangers} unknown, ${repeated} repeated under their id`,
  )
  if (missing.length > 0) say(`missing at ${receiver.name}, the first of them: ${missing.slice(0, 50).join(' ')}`)
  return missing.length === 0 && strangers === 0
}

process.exitCode = await main()
