import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { FlatStoreRig, START_MS } from './rig.ts'

let rig: FlatStoreRig
beforeEach(() => {
  rig = new FlatStoreRig()
})

const opened = (params: Readonly<Record<string, unknown>>, names?: string[]): ReturnType<FlatStoreRig['open']> => {
  rig.setUp(params, names)
  return rig.open()
}

describe('a flatstore file', () => {
  it('is rotated after rotate_count lines, within one batch too, and raises the event', async () => {
    const send = await opened({ rotate_count: '3', suffix: '$time' }, ['.1', '.2', '.3'])
    expect(new Set(await send('a', 'b', 'c', 'd', 'e', 'f', 'g'))).toEqual(new Set(['delivered']))
    expect(rig.content('x.log.1')).toBe('E_M,a\nE_M,b\nE_M,c\n')
    expect(rig.content('x.log.2')).toBe('E_M,d\nE_M,e\nE_M,f\n')
    expect(rig.content('x.log.3')).toBe('E_M,g\n')
    const base = join(rig.folder, 'x.log')
    expect(rig.rotations).toEqual([
      { timestamp: String(START_MS / 1000), reason: 'count', filename: `${base}.2`, old_filename: `${base}.1` },
      { timestamp: String(START_MS / 1000), reason: 'count', filename: `${base}.3`, old_filename: `${base}.2` },
    ])
  })

  it('is rotated after the line that reaches rotate_size', async () => {
    const send = await opened({ rotate_size: '1k', suffix: 's' }, ['.1', '.2'])
    const line = 'x'.repeat(507)
    await send(line, line, line)
    expect(rig.content('x.log.1')).toBe(`E_M,${line}\n`.repeat(2))
    expect(rig.content('x.log.2')).toBe(`E_M,${line}\n`)
    expect(rig.rotations.map(({ reason }) => reason)).toEqual(['size'])
  })

  it('counts bytes, not characters, and count goes before size', async () => {
    const send = await opened({ rotate_size: '13', rotate_count: '1', suffix: 's' }, ['.1', '.2'])
    await send('日本') // 4 + 6 + 1 bytes
    expect(rig.rotations.map(({ reason }) => reason)).toEqual(['count'])
  })

  it('is rotated when Unix time is a multiple of rotate_period', async () => {
    const send = await opened({ rotate_period: 60, suffix: 's' }, ['.1', '.2', '.3'])
    await send('a')
    await rig.clock.advance(59_999)
    expect(rig.rotations).toHaveLength(0)
    await rig.clock.advance(1)
    await send('b')
    expect(rig.content('x.log.1')).toBe('E_M,a\n')
    expect(rig.content('x.log.2')).toBe('E_M,b\n')
    await rig.clock.advance(60_000)
    await send('c')
    expect(rig.rotations.map(({ reason, timestamp }) => [reason, timestamp])).toEqual([
      ['period', String(START_MS / 1000 + 60)],
      ['period', String(START_MS / 1000 + 120)],
    ])
  })

  it('is reopened by the command after it was moved', async () => {
    rig.setUp({})
    const send = await rig.open()
    await send('a')
    renameSync(join(rig.folder, 'x.log'), join(rig.folder, 'x.log.old'))
    expect(await rig.rotate()).toBe('OK')
    expect(existsSync(join(rig.folder, 'x.log'))).toBe(false)
    await send('b')
    expect(rig.content('x.log.old')).toBe('E_M,a\n')
    expect(rig.content('x.log')).toBe('E_M,b\n')
    expect(rig.rotations.map(({ reason }) => reason)).toEqual(['mi'])
  })

  it('that is not subscribed cannot be rotated', async () => {
    rig.setUp({})
    await expect(rig.rotate('nowhere')).rejects.toMatchObject({ code: 400, message: 'File not found' })
  })

  it('is shared by the sockets that name it, and rotated for all of them', async () => {
    rig.setUp({ suffix: 's' }, ['.1', '.2'])
    const [one, two] = [await rig.open(), await rig.open('./x.log')]
    await one('a')
    await two('b')
    await rig.rotate()
    await one('c')
    await two('d')
    expect(rig.content('x.log.1')).toBe('E_M,a\nE_M,b\n')
    expect(rig.content('x.log.2')).toBe('E_M,c\nE_M,d\n')
  })

  it('counts what an earlier run left towards rotate_size', async () => {
    const before = await opened({})
    await before('x'.repeat(95))
    await rig.end()
    const send = await opened({ rotate_size: '103' })
    await send('a')
    expect(rig.rotations.map(({ reason }) => reason)).toEqual(['size'])
  })
})

describe('the parameters of event_flatstore', () => {
  it.each([
    [{ delimiter: ';;', escape_delimiter: '|' }, 'as long as'],
    [{ delimiter: '' }, 'empty'],
    [{ rotate_size: '5x' }, 'rotate_size'],
    [{ rotate_count: '1k' }, 'rotate_count'],
  ])('%j stop the start', (params, why) => {
    expect(() => rig.setUp(params)).toThrow(why)
  })
})
