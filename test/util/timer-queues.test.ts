import { beforeEach, describe, expect, it } from 'vitest'
import { TimerQueues, timerQueuesOf } from '../../src/util/timer-queues.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'

describe('timers in queues', () => {
  let clock: VirtualClock
  let queues: TimerQueues
  let fired: string[]
  const note = (name: string) => () => void fired.push(`${clock.monotonicMs()} ${name}`)

  beforeEach(() => {
    clock = new VirtualClock()
    queues = new TimerQueues(clock)
    fired = []
  })

  it('fire at their time, those of different lengths by what is due first', async () => {
    queues.after(500, note('long'))
    queues.after(100, note('short'))
    await clock.advance(1000)
    expect(fired).toEqual(['100 short', '500 long'])
  })

  it('take one timer of the clock for all of one length, and none when nothing runs', async () => {
    const timers = Array.from({ length: 50 }, (_, n) => queues.after(500, note(String(n))))
    expect(clock.pending).toBe(1)
    for (const timer of timers) timer.clear()
    expect(clock.pending).toBe(0)
    queues.after(500, note('last'))
    await clock.advance(500)
    expect([fired, clock.pending]).toEqual([['500 last'], 0])
  })

  it('that follow each other closely fire no more than 10 ms late, and never early', async () => {
    for (let n = 0; n < 30; n++) {
      const dueMs = clock.monotonicMs() + 100
      queues.after(100, () => fired.push(`${clock.monotonicMs() - dueMs}`))
      await clock.advance(1)
    }
    await clock.advance(200)
    const lateMs = fired.map(Number)
    expect(lateMs).toHaveLength(30)
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(10)
  })

  it('do not fire when cleared, wherever they stand in the queue', async () => {
    const timers = ['a', 'b', 'c', 'd'].map(name => queues.after(100, note(name)))
    for (const at of [0, 2, 3, 3]) timers[at]?.clear()
    await clock.advance(100)
    expect(fired).toEqual(['100 b'])
  })

  it('may be set and cleared by one that fires', async () => {
    const timers = [queues.after(100, () => timers[1]?.clear()), queues.after(100, note('cleared'))]
    queues.after(100, () => queues.after(100, note('again')))
    await clock.advance(1000)
    expect(fired).toEqual(['200 again'])
  })

  it('go on after one that throws', async () => {
    queues.after(100, () => {
      throw new Error('this one')
    })
    queues.after(100, note('the next'))
    await expect(clock.advance(100)).rejects.toThrow('this one')
    await clock.advance(10)
    expect(fired).toEqual(['110 the next'])
  })

  it('are the same for everybody with the same clock', () => {
    expect(timerQueuesOf(clock)).toBe(timerQueuesOf(clock))
    expect(timerQueuesOf(clock)).not.toBe(timerQueuesOf(new VirtualClock()))
  })
})
