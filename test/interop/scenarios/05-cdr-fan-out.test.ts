import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { Call } from '../../modules/dialog/call-rig.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { CDR_ROUTE } from './base-scripts.ts'
import { register, startScenario, until } from './rig.ts'

const url = inject('rabbitmqUrl')

/** The script with a queue of its own; everything else as it stands. */
async function start() {
  const queue = await AmqpQueue.open(String(url), { name: `fanfare.${crypto.randomUUID()}`, autoDelete: true })
  onTestFinished(() => queue.close())
  const scenario = await startScenario(CDR_ROUTE, {
    POLICY: 'PARALLEL',
    BROKER: String(url).replace(/^amqp:\/\/(?:.*@)?([^/]*).*/, '$1'),
    QUEUE: queue.name,
  })
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  await register(bob, scenario.port)
  const lines = (): readonly string[] => {
    const file = join(scenario.folder, 'opensips.events')
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
  }
  return { scenario, queue, lines, parties: { alice, bob, proxy: scenario } }
}

describe.skipIf(url === null)('scenario 5: CDRs to RabbitMQ and to a flat file', () => {
  it('reach both when the BYE is answered, with the durations of the call', async () => {
    const { scenario, queue, lines, parties } = await start()
    const { clock } = scenario
    const created = Math.floor(clock.nowMs() / 1000)
    const call = await new Call(parties, 'c5').begin()
    await call.ring()
    await clock.advance(2_300)
    await call.accept()
    const time = Math.floor(clock.nowMs() / 1000)
    await call.acknowledge()
    expect(lines()).toEqual([])
    await clock.advance(4_200)
    await call.hangUp()
    await until(() => queue.messages.length === 1 && lines().length === 1)
    expect(queue.messages[0]?.content.toString()).toBe(
      '{"jsonrpc":"2.0","method":"E_ACC_CDR","params":{"method":"INVITE","from_tag":"c5-a","to_tag":"c5-b","callid":"c5",' +
        `"sip_code":"200","sip_reason":"OK","time":${time},"duration":5,"ms_duration":4200,"setuptime":${time - created},"created":${created}}}`,
    )
    expect(lines()).toEqual([`E_ACC_CDR,INVITE,c5-a,c5-b,c5,200,OK,${time},5,4200,${time - created},${created}`])
  })

  it('are none of a callee who is busy', async () => {
    const { scenario, queue, lines, parties } = await start()
    const { alice, bob } = parties
    const busy = await new Call(parties, 'busy').begin()
    bob.reply(busy.arrived, 486, 'Busy Here', { toTag: 'busy-b' })
    alice.ack(busy.invite, await alice.nextReply(486), scenario.port)
    await (await new Call(parties, 'after').establish()).hangUp()
    await until(() => queue.messages.length === 1 && lines().length === 1)
    expect(lines()[0]).toContain(',after,200,OK,')
  })

  it('of many calls that end at once are whole lines, each of one call', async () => {
    const { queue, lines, parties } = await start()
    const calls: Call[] = []
    for (let i = 0; i < 100; i++) calls.push(await new Call(parties, `n${i}`).establish())
    for (const call of calls) call.fromAlice('BYE')
    for (const _ of calls) parties.bob.reply(await parties.bob.nextRequest('BYE'), 200, 'OK')
    await until(() => queue.messages.length === calls.length && lines().length === calls.length)
    expect(lines().every(line => /^E_ACC_CDR,INVITE,n\d+-a,n\d+-b,n\d+,200,OK,\d+,\d+,\d+,\d+,\d+$/.test(line))).toBe(
      true,
    )
    expect(new Set(lines().map(line => line.split(',')[4])).size).toBe(calls.length)
  })
})
