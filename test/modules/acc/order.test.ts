import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { Datagrams } from '../../interop/scenarios/rig.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { TcpRelay } from '../../support/tcp-relay.ts'
import { Call, type CallRig, callRig } from '../dialog/call-rig.ts'

const CALLS = 20
/** What every call raises, in this order: its states, then its record. */
const STEPS = ['2', '3', '4', '5', 'CDR']

/** Calls side by side, each step of all of them before the next step of any. */
async function interleavedCalls(rig: CallRig, prefix: string): Promise<readonly string[]> {
  const calls: Call[] = []
  for (let i = 0; i < CALLS; i++) calls.push(await new Call(rig, `${prefix}${i}`).begin())
  for (const call of calls) await call.ring()
  for (const call of calls.toReversed()) await call.accept()
  for (const call of calls) await call.acknowledge()
  for (const call of calls.toReversed()) await call.hangUp()
  return calls.map(({ callId }) => callId)
}

/** The steps of each call in the order in which a subscriber got them. */
function stepsOf(payloads: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const steps: Record<string, string[]> = {}
  for (const payload of payloads) {
    const { method, params } = JSON.parse(payload) as { method: string; params: Record<string, unknown> }
    const callId = String(params['callid'])
    steps[callId] = [...(steps[callId] ?? []), method === 'E_ACC_CDR' ? 'CDR' : String(params['new_state'])]
  }
  return steps
}

const inOrder = (callIds: readonly string[]) => Object.fromEntries(callIds.map(callId => [callId, STEPS]))
const subscribed = (...sockets: string[]): string =>
  `startup_route { ${sockets.flatMap(socket => ['E_DLG_STATE_CHANGED', 'E_ACC_CDR'].map(event => `subscribe_event("${event}", "${socket}");`)).join(' ')} }`
const INVITE = 'create_dialog(); do_accounting("evi", "cdr");'

describe('the events of one call', () => {
  it('come in their order to datagrams, files and event routes, whatever other calls do meanwhile', async () => {
    const datagrams = await Datagrams.open()
    const rig = await callRig({
      clock: new VirtualClock(),
      head: 'loadmodule "event_datagram.so"\nloadmodule "event_flatstore.so"',
      invite: INVITE,
      routes: `${subscribed(`udp:127.0.0.1:${datagrams.port}`, 'flatstore:@DIR@/events')}
        event_route[E_DLG_STATE_CHANGED] { xlog("seen $param(callid) $param(new_state).\\n"); }
        event_route[E_ACC_CDR] { xlog("seen $param(callid) CDR.\\n"); }`,
    })
    const callIds = await interleavedCalls(rig, 'o')
    const total = CALLS * STEPS.length
    const file = join(rig.proxy.folder, 'events')
    const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
    const seen = () => rig.proxy.log.flatMap(line => /seen (\w+) (\w+)\./.exec(line)?.slice(1) ?? [])
    await rig.until(
      'everything',
      () => datagrams.received.length === total && lines().length === total && seen().length === 2 * total,
    )
    expect(stepsOf(datagrams.received)).toEqual(inOrder(callIds))
    const filed = lines().map(line => line.split(','))
    for (const callId of callIds) {
      const own = filed.filter(([name, ...values]) => values[name === 'E_ACC_CDR' ? 3 : 2] === callId)
      expect(own.map(([name, ...values]) => (name === 'E_ACC_CDR' ? 'CDR' : values[6]))).toEqual(STEPS)
      const routed = seen().filter((_, i, all) => i % 2 === 1 && all[i - 1] === callId)
      expect(routed).toEqual(STEPS)
    }
  })
})

const url = inject('rabbitmqUrl')

describe.skipIf(url === null)('the events of one call, while a broker cannot be reached', () => {
  it('come in their order afterwards', { timeout: 60_000 }, async () => {
    const broker = new URL(String(url))
    const relay = await TcpRelay.to(Number(broker.port))
    onTestFinished(() => relay.stop())
    const queue = await AmqpQueue.open(String(url), { name: `fanfare.${crypto.randomUUID()}`, autoDelete: true })
    onTestFinished(() => queue.close())
    const rig = await callRig({
      // No phone repeats itself, however slow the machine is.
      head: 'loadmodule "event_rabbitmq.so"\nmodparam("tm", "T1_timer", 20000)\nmodparam("tm", "fr_timeout", 60)',
      invite: INVITE,
      // Each subscription waits for itself: what must stay in order across an outage belongs into one.
      routes: `startup_route { subscribe_event("*", "rabbitmq:127.0.0.1:${relay.port}/${queue.name}"); }`,
    })
    const arrived = () =>
      queue.messages.map(({ content }) => content.toString()).filter(text => /"E_(ACC|DLG)_/.test(text))
    const before = await interleavedCalls(rig, 'b')
    await rig.until('everything', () => arrived().length === before.length * STEPS.length)
    await relay.stop()
    const during = await interleavedCalls(rig, 'd')
    await relay.start()
    const after = await interleavedCalls(rig, 'a')
    const callIds = [...before, ...during, ...after]
    await rig.until('everything', () => arrived().length === callIds.length * STEPS.length)
    expect(stepsOf(arrived())).toEqual(inOrder(callIds))
  })
})
