import { describe, expect, it } from 'vitest'
import { ConnectionLost, type SqlConnection } from '../../../src/db/server/connection.ts'
import { Lane } from '../../../src/db/server/lane.ts'

/** A lane whose connections answer when the test lets them, and what was done over them. */
function laneUnderTest({ tries = 1 } = {}) {
  const sent: string[] = []
  const told: string[] = []
  const gates: PromiseWithResolvers<void>[] = []
  let attempts = 0
  let isDown = false
  let current: { isLost: boolean } | null = null
  const connect = async (): Promise<SqlConnection> => {
    attempts++
    await null
    if (isDown) throw new ConnectionLost(`attempt ${attempts} failed`)
    const connection = {
      isLost: false,
      query: async (sql: string) => {
        sent.push(sql)
        const gate = Promise.withResolvers<void>()
        gates.push(gate)
        await gate.promise
        return { rows: [], affected: 0 }
      },
      close: () => void told.push('closed'),
    }
    current = connection
    return connection
  }
  const lane = new Lane({
    connect,
    tries,
    connected: () => void told.push('connected'),
    lost: reason => void told.push(reason),
  })
  return {
    lane,
    sent,
    told,
    attempts: () => attempts,
    answer: async () => {
      while (gates.length === 0) await null
      gates.shift()?.resolve()
    },
    lose: () => {
      if (current !== null) current.isLost = true
      isDown = true
    },
    recover: () => {
      isDown = false
    },
  }
}

const query = (lane: Lane, sql: string) => lane.query(sql, 1)

describe('a lane to a database server', () => {
  it('sends a statement when the one before it is answered', async () => {
    const { lane, sent, answer } = laneUnderTest()
    const both = [query(lane, 'one'), query(lane, 'two')]
    await answer()
    await both[0]
    expect(sent[0]).toBe('one')
    await answer()
    await both[1]
    expect(sent).toEqual(['one', 'two'])
  })

  it('lets everything that waited fail with the attempt that failed, and tries anew for what comes then', async () => {
    const { lane, sent, told, lose, recover, attempts, answer } = laneUnderTest({ tries: 2 })
    lose()
    const waiting = await Promise.allSettled(['a', 'b', 'c'].map(sql => query(lane, sql)))
    expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(attempts()).toBe(2)
    recover()
    const next = query(lane, 'd')
    await answer()
    await next
    expect([sent, told]).toEqual([['d'], ['attempt 2 failed', 'connected']])
  })

  it('never sends a statement twice', async () => {
    const { lane, sent, lose, recover, answer } = laneUnderTest()
    const first = query(lane, 'one')
    await answer()
    await first
    lose()
    await expect(query(lane, 'two')).rejects.toThrow('attempt 2 failed')
    recover()
    const third = query(lane, 'three')
    await answer()
    await third
    expect(sent).toEqual(['one', 'three'])
  })

  it('refuses at once what comes when ten thousand statements wait', async () => {
    const { lane, lose } = laneUnderTest()
    lose()
    const waiting = Array.from({ length: 10_000 }, () => query(lane, 'x').catch(() => 'failed'))
    await expect(query(lane, 'one too many')).rejects.toThrow('10000 statements wait already')
    await Promise.all(waiting)
    await expect(query(lane, 'y')).rejects.toThrow('attempt 2 failed')
  })

  it('closes when what was asked for is done, and takes nothing more', async () => {
    const { lane, told, answer } = laneUnderTest()
    const asked = query(lane, 'one')
    const closed = lane.close()
    await expect(query(lane, 'two')).rejects.toThrow('the database is closed')
    expect(told).not.toContain('closed')
    await answer()
    await asked
    await closed
    expect(told).toEqual(['connected', 'closed'])
  })
})
