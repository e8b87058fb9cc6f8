import { describe, expect, it } from 'vitest'
import { LogLevel } from '../../src/log/log.ts'
import { Logger } from '../../src/log/logger.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'

function loggerWith() {
  const lines: string[] = []
  const logger = new Logger({ clock: new VirtualClock(), write: line => void lines.push(line) })
  return { logger, lines, texts: () => lines.map(line => line.replace(/^.*?\] /, '')) }
}

describe('the logger', () => {
  it('writes level, part, message and fields; a field with blanks is quoted', () => {
    const { logger, texts } = loggerWith()
    logger.part('tm').warn('no answer', { after: 30, reason: 'timed out', left: undefined })
    expect(texts()).toEqual(['WARNING:tm: no answer after=30 reason="timed out"\n'])
  })

  it('writes lines up to its level', () => {
    const { logger, texts } = loggerWith()
    const log = logger.part('x')
    logger.level = LogLevel.error
    log.warn('no')
    log.error('yes')
    expect(texts()).toEqual(['ERROR:x: yes\n'])
  })

  it('a filter on the output, and no output at all, leave the listener every line', () => {
    const { logger, lines } = loggerWith()
    const heard: string[] = []
    logger.listener = record => void heard.push(record.message)
    logger.outputFilter = LogLevel.error
    logger.part('x').notice('filtered')
    logger.hasOutput = false
    logger.part('x').error('silenced')
    expect(lines).toEqual([])
    expect(heard).toEqual(['filtered', 'silenced'])
  })

  it('lines that the listener writes itself do not come back to it', () => {
    const { logger, lines } = loggerWith()
    let calls = 0
    logger.listener = () => {
      calls++
      logger.part('x').error('from the listener')
    }
    logger.part('x').error('first')
    expect([calls, lines.length]).toEqual([1, 2])
  })

  it('work that is unheard is so until its promise has settled, also when it fails', async () => {
    const { logger } = loggerWith()
    const heard: string[] = []
    logger.listener = record => void heard.push(record.message)
    const log = logger.part('x')
    const { promise, reject } = Promise.withResolvers<void>()
    const work = logger.unheard(async () => {
      log.error('one')
      await promise
    })
    log.error('two')
    reject(new Error('x'))
    await expect(work).rejects.toThrow('x')
    log.error('three')
    expect(() =>
      logger.unheard(() => {
        throw new Error('y')
      }),
    ).toThrow('y')
    log.error('four')
    expect(heard).toEqual(['three', 'four'])
  })

  it('writes JSON, with the mark of CEE where that is asked for', () => {
    const { logger, lines } = loggerWith()
    logger.format = 'json_cee'
    logger.write(LogLevel.error, '', 'said', { a: 1 })
    expect(lines[0]).toMatch(/^@cee: \{/)
    expect(JSON.parse(lines[0]!.slice(6))).toMatchObject({ level: 'ERROR', message: 'said', a: 1, pid: process.pid })
  })
})
