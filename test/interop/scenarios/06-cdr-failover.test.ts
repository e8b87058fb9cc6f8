import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Call } from '../../modules/dialog/call-rig.ts'
import { AmqpQueue } from '../../support/amqp-queue.ts'
import { canStartRabbitMq, RabbitMqBroker } from '../../support/rabbitmq-broker.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { CDR_ROUTE } from './base-scripts.ts'
import { register, startScenario, until } from './rig.ts'

describe.skipIf(!canStartRabbitMq())('scenario 6: CDRs to RabbitMQ, else to a flat file', () => {
  it('go to the file while the broker is away, and to the queue again once it is back', {
    timeout: 120_000,
  }, async () => {
    const broker = await RabbitMqBroker.start()
    onTestFinished(() => broker.stop())
    const open = async (): Promise<AmqpQueue> => {
      const queue = await AmqpQueue.open(broker.url, { name: 'opensips', durable: true })
      onTestFinished(() => queue.close())
      return queue
    }
    const before = await open()
    const scenario = await startScenario(CDR_ROUTE, { POLICY: 'FAILOVER', BROKER: broker.hostPort, QUEUE: 'opensips' })
    const { clock } = scenario
    const parties = { alice: await SipUa.open('alice'), bob: await SipUa.open('bob'), proxy: scenario }
    await register(parties.bob, scenario.port)
    const file = join(scenario.folder, 'opensips.events')
    const filed = (): readonly (string | undefined)[] =>
      existsSync(file)
        ? readFileSync(file, 'utf8')
            .split('\n')
            .slice(0, -1)
            .map(line => line.split(',')[4])
        : []
    const call = async (name: string): Promise<void> =>
      void (await (await new Call(parties, name).establish()).hangUp())

    const ups = (): number => scenario.log.filter(line => /rabbitmq.*receiver is up/.test(line)).length
    await expect.poll(ups, { timeout: 30_000, interval: 20 }).toBe(1)
    await call('up')
    await until(() => before.messages.length === 1)
    expect(filed()).toEqual([])

    await broker.kill()
    await call('down1')
    await until(() => filed().length === 1)
    await clock.advance(5_000)
    await call('down2')
    await until(() => filed().length === 2)
    expect(filed()).toEqual(['down1', 'down2'])

    await broker.restart()
    const after = await open()
    // The transport connects again by itself: its pauses are the proxy's time, what the broker takes is the test's.
    await expect
      .poll(
        async () => {
          await clock.advance(1_000)
          return ups()
        },
        { timeout: 60_000, interval: 50 },
      )
      .toBe(2)
    await call('back')
    await until(() => after.messages.length === 1)
    expect(after.messages[0]?.content.toString()).toContain('"callid":"back"')
    expect(filed()).toEqual(['down1', 'down2'])
  })
})
