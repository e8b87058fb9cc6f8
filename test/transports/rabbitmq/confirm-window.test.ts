import { describe, expect, it } from 'vitest'
import { type Delivery, DeliveryError, unknown } from '../../../src/events/transport.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { ConfirmWindow } from '../../../transports/rabbitmq/confirm-window.ts'
import { sampleEvent } from '../../conformance/sample.ts'

const events = (count: number) => Array.from({ length: count }, () => sampleEvent('E_X', null, []))
const outcomes = (result: Delivery | readonly Delivery[]): string =>
  'outcome' in result ? result.outcome : result.map(({ outcome }) => outcome).join(' ')

function setUp() {
  const clock = new VirtualClock()
  const overdue: number[] = []
  const window = new ConfirmWindow(clock, () => {
    overdue.push(clock.monotonicMs())
    return new DeliveryError('E_TIMEOUT', 'too late')
  })
  return { clock, overdue, window }
}

describe('a window of confirms', () => {
  it('settles a batch with one outcome once all of it is acknowledged, in any order', async () => {
    const { window } = setUp()
    const batch = window.add(events(4), 1, 1000)
    window.ack(3, false)
    window.ack(1, false)
    window.ack(4, false)
    window.ack(2, false)
    expect(await batch).toEqual({ outcome: 'delivered' })
  })

  it('takes one acknowledgement for many messages of several batches', async () => {
    const { window } = setUp()
    const [one, two, three] = [
      window.add(events(2), 1, 1000),
      window.add(events(2), 3, 1000),
      window.add(events(2), 5, 1000),
    ]
    window.ack(5, true)
    window.ack(6, false)
    expect([outcomes(await one), outcomes(await two), outcomes(await three)]).toEqual([
      'delivered',
      'delivered',
      'delivered',
    ])
  })

  it('tells refused messages from delivered ones', async () => {
    const { window } = setUp()
    const batch = window.add(events(3), 1, 1000)
    window.nack(2, false)
    window.ack(3, true)
    const result = await batch
    expect(outcomes(result)).toBe('delivered failed delivered')
    expect(result).toMatchObject([{}, { error: { code: 'E_REFUSED', permanent: false } }, {}])
  })

  it('does not count a returned message as delivered, though it is acknowledged', async () => {
    const { window } = setUp()
    const sent = events(3)
    const batch = window.add(sent, 1, 1000)
    window.returned(sent[1]?.id ?? '', 'NO_ROUTE')
    window.ack(3, true)
    expect(outcomes(await batch)).toBe('delivered failed delivered')
  })

  it('leaves what is not confirmed by the deadline unknown', async () => {
    const { clock, overdue, window } = setUp()
    const [early, late] = [window.add(events(2), 1, 1000), window.add(events(1), 3, 5000)]
    window.ack(1, false)
    await clock.advance(999)
    expect(overdue).toEqual([])
    await clock.advance(1)
    expect(overdue).toEqual([1000])
    expect(outcomes(await early)).toBe('delivered unknown')
    window.end(unknown(new DeliveryError('E_NOT_CONNECTED', 'gone')))
    expect(outcomes(await late)).toBe('unknown')
  })

  it('keeps the deadline of a batch that is due before earlier ones', async () => {
    const { clock, window } = setUp()
    const [late, early] = [window.add(events(1), 1, 5000), window.add(events(1), 2, 1000)]
    await clock.advance(1000)
    expect(outcomes(await early)).toBe('unknown')
    window.ack(1, false)
    expect(outcomes(await late)).toBe('delivered')
  })

  it('has one timer however many batches wait, and none when they are settled', async () => {
    const { clock, window } = setUp()
    for (let i = 0; i < 10; i++) void window.add(events(1), i + 1, 1000 + i)
    expect(clock.pending).toBe(1)
    window.ack(10, true)
    await clock.advance(2000)
    expect(clock.pending).toBe(0)
  })

  it('ignores confirms for what it does not know', () => {
    const { window } = setUp()
    window.ack(7, true)
    window.nack(9, false)
    window.returned('nobody', 'NO_ROUTE')
  })
})
