import { describe, expect, it } from 'vitest'
import { SinkPool } from '../../src/events/sink-pool.ts'
import type { Address } from '../../src/events/transport.ts'
import { sampleEvent } from '../conformance/sample.ts'
import { MemorySink } from './memory-transport.ts'

const NEVER = new AbortController().signal
const address = (key: string): Address => ({ scheme: 'mem', text: `mem:${key}`, key })

function setUp() {
  const opened: MemorySink[] = []
  const pool = new SinkPool(() => {
    const sink = new MemorySink()
    opened.push(sink)
    return sink
  })
  return { pool, opened }
}

describe('the pool of sinks', () => {
  it('opens one sink for one address in one form', () => {
    const { pool, opened } = setUp()
    for (const format of ['text', 'text', undefined] as const) pool.acquire(address('a'), { format }, false)
    pool.acquire(address('b'), {}, false)
    pool.acquire(address('b'), {}, true)
    expect(opened).toHaveLength(4)
  })

  it('closes a sink with its last user', async () => {
    const { pool, opened } = setUp()
    const [one, two] = [pool.acquire(address('a'), {}, false), pool.acquire(address('a'), {}, false)]
    await one.close(NEVER)
    await one.close(NEVER)
    expect(opened[0]?.isClosed).toBe(false)
    expect(one.send(sampleEvent('E', null, []), 1)).toMatchObject({ error: { code: 'E_CLOSED' } })
    expect(two.send(sampleEvent('E', null, []), 1)).toMatchObject({ outcome: 'delivered' })
    await two.close(NEVER)
    expect(opened[0]?.isClosed).toBe(true)
    pool.acquire(address('a'), {}, false)
    expect(opened).toHaveLength(2)
  })

  it('tells all users, but none that has left, of a change of health', async () => {
    const { pool, opened } = setUp()
    const told: string[] = []
    const users = ['one', 'two'].map(name => {
      const sink = pool.acquire(address('a'), {}, false)
      sink.onHealth(() => told.push(`${name} ${sink.health.state}`))
      return sink
    })
    opened[0]?.turn('down')
    await users[0]?.close(NEVER)
    opened[0]?.turn('up')
    expect(told).toEqual(['one down', 'two down', 'two up'])
  })
})
