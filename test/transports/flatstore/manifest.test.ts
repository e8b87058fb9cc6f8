import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../support/until.ts'
import { FlatStoreRig, START_MS } from './rig.ts'

interface Entry {
  readonly name: string
  readonly state: string
  readonly reason: string | null
  readonly opened: string
  readonly closed: string | null
  readonly events: number
  readonly first: { readonly id: string; readonly sequence: number }
  readonly last: { readonly id: string; readonly sequence: number } | null
  readonly lines: number | null
  readonly bytes: number | null
  readonly sha256: string | null
}

const WITH_MANIFEST = { manifest: 1 }

let rig: FlatStoreRig
beforeEach(() => {
  rig = new FlatStoreRig()
})

const manifestPath = (): string => join(rig.folder, 'x.log.manifest')

function listed(): readonly Entry[] {
  if (!existsSync(manifestPath())) return []
  const { version, files } = JSON.parse(readFileSync(manifestPath(), 'utf8'))
  expect(version).toBe(1)
  return files
}

const states = (): string[] => listed().map(({ name, state }) => `${name} ${state}`)
const whenListed = (...expected: string[]): Promise<void> => until(() => states().join() === expected.join())

/** What the manifest must say of a file that is there. */
function facts(name: string): Pick<Entry, 'lines' | 'bytes' | 'sha256'> {
  const bytes = readFileSync(join(rig.folder, name))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { lines: bytes.toString().split('\n').length - 1, bytes: bytes.length, sha256 }
}

describe('the manifest of a flat file', () => {
  it('lists each file as open, and as complete once it has been rotated, with what is in it', async () => {
    rig.setUp({ ...WITH_MANIFEST, rotate_count: '3', suffix: 's' }, ['.1', '.2', '.3'])
    const send = await rig.open()
    await send('a', 'b')
    await whenListed('x.log.1 open')
    await rig.clock.advance(5000)
    await send('c', 'dé', 'e')
    await whenListed('x.log.1 complete', 'x.log.2 open')
    const [complete, open] = listed()
    expect(complete).toMatchObject({
      reason: 'count',
      opened: new Date(START_MS).toISOString(),
      closed: new Date(START_MS + 5000).toISOString(),
      events: 3,
      ...facts('x.log.1'),
    })
    expect((complete?.last?.sequence ?? 0) - (complete?.first.sequence ?? 0)).toBe(2)
    expect(open).toMatchObject({ closed: null, reason: null, lines: null, bytes: null, sha256: null })
    expect(open?.first.sequence).toBe((complete?.last?.sequence ?? 0) + 1)
    await rig.end()
    expect(listed()[1]).toMatchObject({ state: 'complete', reason: 'end', events: 2, ...facts('x.log.2') })
  })

  it('tells the ids that are in the file, and counts line ends and the header of csv', async () => {
    rig.setUp(WITH_MANIFEST)
    const send = await rig.open('x.log', 'csv')
    await send('two\nlines', 'b')
    await rig.end()
    const ids = [...rig.content('x.log').matchAll(/^[0-9a-f-]{36}/gm)].map(String)
    expect(listed()).toMatchObject([
      { events: 2, first: { id: ids[0] }, last: { id: ids[1] }, ...facts('x.log'), lines: 4 },
    ])
  })

  it('tells where a file is that was moved before it was rotated', async () => {
    rig.setUp(WITH_MANIFEST)
    const send = await rig.open()
    await send('a')
    renameSync(join(rig.folder, 'x.log'), join(rig.folder, 'x.log.1'))
    await rig.rotate()
    await send('b')
    await whenListed('x.log.1 complete', 'x.log open')
    expect(listed()[0]).toMatchObject({ reason: 'mi', ...facts('x.log.1') })
  })

  it('forgets what the consumer has taken away', async () => {
    rig.setUp({ ...WITH_MANIFEST, rotate_count: '1', suffix: 's' }, ['.1', '.2', '.3'])
    const send = await rig.open()
    await send('a')
    await whenListed('x.log.1 complete')
    rmSync(join(rig.folder, 'x.log.1'))
    await send('b')
    await whenListed('x.log.2 complete')
  })

  it('goes on with a file that the next run goes on with', async () => {
    rig.setUp(WITH_MANIFEST)
    await (await rig.open())('a')
    await rig.end()
    const [before] = listed()
    rig.setUp(WITH_MANIFEST)
    await rig.clock.advance(1000)
    await (await rig.open())('b', 'c')
    await rig.end()
    expect(listed()).toMatchObject([{ state: 'complete', events: 3, first: before?.first, opened: before?.opened }])
    expect(listed()).toMatchObject([facts('x.log')])
  })

  it('completes what a run that crashed has left open', async () => {
    writeFileSync(join(rig.folder, 'x.log.1'), 'E_M,a\nE_M,b\nE_M,to')
    const { ino: inode } = statSync(join(rig.folder, 'x.log.1'))
    const left = {
      name: 'x.log.1',
      state: 'open',
      inode,
      opened: '2025-12-31T00:00:00.000Z',
      closed: null,
      reason: null,
    }
    const rest = { events: 0, first: { id: 'x', sequence: 1 }, last: null, lines: null, bytes: null, sha256: null }
    writeFileSync(manifestPath(), JSON.stringify({ version: 1, files: [{ ...left, ...rest }] }))
    rig.setUp({ ...WITH_MANIFEST, suffix: 's' }, ['.2'])
    await (await rig.open())('c')
    await whenListed('x.log.1 complete', 'x.log.2 open')
    expect(listed()[0]).toMatchObject({ reason: 'left', last: null, ...facts('x.log.1') })
  })

  it('that is damaged is kept aside and begun anew', async () => {
    writeFileSync(manifestPath(), '{"version":1,"fi')
    rig.setUp(WITH_MANIFEST)
    await (await rig.open())('a')
    await whenListed('x.log open')
    expect(rig.content('x.log.manifest.bad')).toBe('{"version":1,"fi')
  })

  it('is never seen half written, and leaves nothing else behind', async () => {
    rig.setUp(
      { ...WITH_MANIFEST, rotate_count: '1', suffix: 's' },
      Array.from({ length: 60 }, (_, i) => `.${i}`),
    )
    const send = await rig.open()
    const sent = send(...Array.from({ length: 50 }, (_, i) => `${i}`))
    let sizes = 0
    while (listed().filter(({ state }) => state === 'complete').length < 50) {
      for (const { state, name, ...told } of listed()) if (state === 'complete') expect(told).toMatchObject(facts(name))
      sizes = Math.max(sizes, listed().length)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(new Set(await sent)).toEqual(new Set(['delivered']))
    expect(sizes).toBeGreaterThan(0)
    expect(existsSync(`${manifestPath()}.tmp`)).toBe(false)
  })

  it('that cannot be written does not hold up the file', async () => {
    rig.setUp({ ...WITH_MANIFEST, rotate_count: '1', suffix: 's' }, ['.1', '.2', '.3'])
    const send = await rig.open()
    // A folder in its place, which no file can replace.
    mkdirSync(join(manifestPath(), 'x'), { recursive: true })
    expect(await send('a', 'b')).toEqual(['delivered', 'delivered'])
    expect(rig.content('x.log.2')).toBe('E_M,b\n')
    rmSync(manifestPath(), { recursive: true })
    await send('c')
    await whenListed('x.log.1 complete', 'x.log.2 complete', 'x.log.3 complete')
  })

  it('is not kept unless asked for', async () => {
    rig.setUp({})
    await (await rig.open())('a')
    await rig.end()
    expect(existsSync(manifestPath())).toBe(false)
  })
})
