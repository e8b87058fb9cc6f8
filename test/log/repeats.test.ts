import { describe, expect, it } from 'vitest'
import { LogLevel } from '../../src/log/log.ts'
import { Logger } from '../../src/log/logger.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'

function loggerWith() {
  const clock = new VirtualClock()
  const lines: string[] = []
  const logger = new Logger({ clock, write: line => void lines.push(line.replace(/^.*?\] /, '').trimEnd()) })
  return { logger, clock, log: logger.part('kafka'), lines: (): string[] => lines.splice(0) }
}

describe('a line that may come with every message', () => {
  it('is written at once, and of those that say the same the latest when ten seconds are over, with their number', () => {
    const { log, clock, lines } = loggerWith()
    for (let n = 1; n <= 1000; n++) log.often('a').error('not written', { n })
    expect(lines()).toEqual(['ERROR:kafka: not written n=1'])
    clock.advanceSync(9_999)
    log.often('a').error('not written', { n: 1001 })
    expect(lines()).toEqual([])
    clock.advanceSync(1)
    expect(lines()).toEqual(['ERROR:kafka: not written n=1001 again=1000'])
  })

  it('is one in ten seconds for as long as it lasts, and no line is left out of the count', () => {
    const { log, clock, lines } = loggerWith()
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < 100; n++) log.often().warn('away')
      clock.advanceSync(1_000)
    }
    const written = lines()
    const counted = written.map(line => Number(/again=(\d+)/.exec(line)?.[1] ?? 1))
    expect(written).toHaveLength(7)
    expect(counted.reduce((sum, n) => sum + n, 0)).toBe(6000)
  })

  it('is written at once again when it was not said for ten seconds', () => {
    const { log, clock, lines } = loggerWith()
    for (let i = 0; i < 2; i++) {
      log.often('a').error('away')
      clock.advanceSync(10_000)
    }
    expect(lines()).toEqual(['ERROR:kafka: away', 'ERROR:kafka: away'])
    expect(clock.pending).toBe(0)
  })

  it('of another thing, text, level or part is another line', () => {
    const { logger, log, lines } = loggerWith()
    log.often('a').error('away')
    log.often('b').error('away')
    log.often('a').error('back')
    log.often('a').warn('away')
    logger.part('nats').often('a').error('away')
    expect(lines()).toHaveLength(5)
  })

  it('does not hold back the same line of a log that is not asked to', () => {
    const { log, lines } = loggerWith()
    log.often().error('away')
    log.error('away')
    expect(lines()).toHaveLength(2)
  })

  it('above the level is neither written nor counted', () => {
    const { logger, log, clock, lines } = loggerWith()
    logger.level = LogLevel.error
    log.often().warn('away')
    log.often().warn('away')
    expect([lines(), clock.pending]).toEqual([[], 0])
  })

  it('is written at the end, if it was held back', () => {
    const { logger, log, clock, lines } = loggerWith()
    for (let i = 0; i < 3; i++) log.often().error('away')
    logger.flush()
    expect(lines()).toEqual(['ERROR:kafka: away', 'ERROR:kafka: away again=2'])
    clock.advanceSync(60_000)
    expect(lines()).toEqual([])
  })

  it('costs bounded memory: beyond a thousand things the rest share their line until some are quiet', () => {
    const { log, clock, lines } = loggerWith()
    for (let i = 0; i < 5000; i++) log.often(`${i}`).error('away', { i })
    expect(lines()).toHaveLength(1001)
    clock.advanceSync(10_000)
    expect(lines()).toEqual(['ERROR:kafka: away i=4999 again=3999'])
    log.often('new').error('away')
    expect(lines()).toEqual(['ERROR:kafka: away'])
  })

  it('that came while the listener was to hear nothing is not told to it later either', () => {
    const { logger, log, clock, lines } = loggerWith()
    const heard: string[] = []
    logger.listener = record => void heard.push(record.message)
    logger.unheard(() => {
      for (let i = 0; i < 3; i++) log.often().error('away')
    })
    clock.advanceSync(10_000)
    expect([lines().length, heard]).toEqual([2, []])
  })
})
