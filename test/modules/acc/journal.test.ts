import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stateFolder } from '../../../src/module/state-folder.ts'
import { CallJournal } from '../../../src/modules/acc/journal.ts'
import type { JournalledCall } from '../../../src/modules/acc/journal-lines.ts'
import { takeLock } from '../../../src/modules/acc/journal-lock.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { testFolder } from '../../cli/scripts.ts'
import { recordingLog } from '../../sip/net/peers.ts'

const call = (id: string, note = ''): JournalledCall =>
  ({
    id,
    core: { method: 'INVITE', fromTag: 'a', toTag: 'b', callId: id, code: '200', reason: 'OK', timeS: 1 },
    receivedMs: 1,
    createdMs: 2,
    answeredMs: 3,
    table: null,
    types: [['log', ['cdr']]],
    extra: [['note', note]],
    legs: [],
    frozen: {},
    dialog: { row: {} },
  }) as unknown as JournalledCall

function journalIn(folder: string) {
  const log = recordingLog()
  const counts = { failures: { value: 0 }, damaged: { value: 0 } }
  const clock = new VirtualClock()
  return { journal: new CallJournal({ folder, clock, log, ...counts }), counts, log, clock }
}

/** What the next process finds. */
async function reopened(folder: string) {
  const { journal } = journalIn(folder)
  const found = await journal.recover()
  await journal.close()
  return found
}

describe('the journal of running calls', () => {
  it('gives back what was not complete, in the order in which the calls began', async () => {
    const folder = join(testFolder(), 'calls')
    const { journal } = journalIn(folder)
    for (const id of ['c1', 'c2', 'c3']) journal.add({ op: 'call', call: call(id) })
    journal.add({ op: 'written', id: 'c2', type: 'log' })
    journal.add({ op: 'ended', id: 'c3', endedMs: 7 })
    await journal.close()
    const open = await reopened(folder)
    expect(open.map(({ call: { id }, endedMs }) => [id, endedMs])).toEqual([
      ['c1', 0],
      ['c3', 7],
    ])
  })

  it('is on disk without having been closed, at the end of the turn', async () => {
    const folder = join(testFolder(), 'calls')
    const { journal } = journalIn(folder)
    journal.add({ op: 'call', call: call('c1') })
    await journal.flush()
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toContain('"c1"')
    await journal.close()
  })

  it('holds what can wait back until something cannot, or the disk is synced', async () => {
    const folder = join(testFolder(), 'calls')
    const { clock, journal } = journalIn(folder)
    const states = () =>
      [...readFileSync(join(folder, 'calls'), 'utf8').matchAll(/"row",.*"state":(\d)/g)].map(found => found[1])
    const waits = (state: number) => journal.add({ op: 'row', id: 'c1', row: { state } }, true)
    const turn = () => new Promise(resolve => setImmediate(resolve))
    journal.add({ op: 'call', call: call('c1') })
    await journal.flush()
    waits(4)
    await turn()
    expect(states()).toEqual([])
    await clock.advance(100)
    expect(states()).toEqual(['4'])
    await journal.flush()
    waits(3)
    journal.add({ op: 'ended', id: 'c1', endedMs: 7 })
    await turn()
    expect(states()).toEqual(['4', '3'])
    waits(5)
    await journal.close()
    expect(states()).toEqual(['4', '3', '5'])
  })

  it('stays small however many calls it has seen', async () => {
    const folder = join(testFolder(), 'calls')
    const { journal } = journalIn(folder)
    const note = 'x'.repeat(10_000)
    for (let i = 0; i < 2_000; i++) {
      journal.add({ op: 'call', call: call(`c${i}`, note) })
      if (i > 0) journal.add({ op: 'written', id: `c${i - 1}`, type: 'log' })
      if (i % 50 === 0) await journal.flush()
    }
    await journal.flush()
    expect(statSync(join(folder, 'calls')).size).toBeLessThan(6_000_000)
    await journal.close()
    expect((await reopened(folder)).map(({ call: { id } }) => id)).toEqual(['c1999'])
  })

  it('that cannot be written is said once, and is whole again as soon as it can', async () => {
    const parent = testFolder()
    const folder = join(parent, 'calls')
    writeFileSync(folder, 'in the way')
    const { journal, counts, log } = journalIn(folder)
    for (const id of ['c1', 'c2']) {
      journal.add({ op: 'call', call: call(id) })
      await journal.flush()
    }
    expect(counts.failures.value).toBe(2)
    expect(log.lines.filter(line => line.includes('cannot be written'))).toHaveLength(1)
    rmSync(folder)
    journal.add({ op: 'call', call: call('c3') })
    await journal.close()
    expect((await reopened(folder)).map(({ call: { id } }) => id)).toEqual(['c1', 'c2', 'c3'])
  })

  it('is not written by two at a time', async () => {
    const folder = join(testFolder(), 'calls')
    const [one, two] = [journalIn(folder), journalIn(folder)]
    one.journal.add({ op: 'call', call: call('c1') })
    await one.journal.flush()
    expect(await two.journal.recover()).toEqual([])
    two.journal.add({ op: 'call', call: call('c2') })
    await two.journal.close()
    expect(two.log.lines.join('')).toContain('another process writes this journal of calls')
    await one.journal.close()
    expect((await reopened(folder)).map(({ call: { id } }) => id)).toEqual(['c1'])
  })

  it('leaves nothing when no call is left', async () => {
    const folder = join(testFolder(), 'calls')
    const { journal } = journalIn(folder)
    journal.add({ op: 'call', call: call('c1') })
    journal.add({ op: 'forgotten', id: 'c1' })
    await journal.close()
    expect(existsSync(folder)).toBe(false)
  })
})

describe('the lock of the journal', () => {
  it('is respected while its owner runs, and taken over afterwards', () => {
    const lock = join(testFolder(), 'lock')
    const other = spawn('sleep', ['60'])
    onTestFinished(() => void other.kill())
    const start = readFileSync(`/proc/${other.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19]
    writeFileSync(lock, `${other.pid} ${start}\n`)
    expect(takeLock(lock)).toBeNull()
    // Another process has got the number of one that ended.
    writeFileSync(lock, `${other.pid} 1\n`)
    const taken = takeLock(lock)
    expect(taken).not.toBeNull()
    taken?.release()
    expect(existsSync(lock)).toBe(false)
  })

  it('that was torn is taken over', () => {
    const lock = join(testFolder(), 'lock')
    writeFileSync(lock, 'x')
    const taken = takeLock(lock)
    expect(takeLock(lock)).toBeNull()
    taken?.release()
  })
})

describe('the folder of the journal', () => {
  const where = { configuration: '/etc/fanfare/proxy.cfg', directory: '/etc/fanfare', stateDirectory: undefined }
  it.each([
    [{ ...where, given: undefined }, '/etc/fanfare/proxy.cfg.calls'],
    [{ ...where, given: 'state' }, '/etc/fanfare/state'],
    [{ ...where, given: '/srv/calls' }, '/srv/calls'],
    [{ ...where, given: '' }, null],
    [{ ...where, given: undefined, configuration: '-' }, '/etc/fanfare/stdin.calls'],
  ])('%j is %s', (parts, folder) => {
    expect(stateFolder(parts, 'calls')).toBe(folder)
  })

  it('is another one for each configuration in the state directory of a service', () => {
    const stateDirectory = '/var/lib/fanfare:/var/lib/other'
    const [one, two] = ['/etc/one', '/etc/two'].map(directory =>
      stateFolder({ given: undefined, configuration: `${directory}/proxy.cfg`, directory, stateDirectory }, 'calls'),
    )
    expect(one).toMatch(/^\/var\/lib\/fanfare\/proxy\.cfg-[0-9a-f]{8}\.calls$/)
    expect(two).not.toBe(one)
  })
})
