import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BufferedSink } from '../../../src/events/buffered-sink.ts'
import type { Sink, TransportHandlers, TransportHost, TransportSpec } from '../../../src/events/transport.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import flatstore from '../../../transports/flatstore/index.ts'
import { silentLog } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { whenUp } from '../../conformance/transport.ts'

const START_MS = Date.UTC(2026, 0, 1)
type Rotation = { timestamp: string; reason: string; filename: string; old_filename: string }

let folder = ''
let clock = new VirtualClock(START_MS)
let rotations: Rotation[] = []
let handlers: TransportHandlers<TransportSpec> | undefined
const sinks: Sink[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanfare-rotation-'))
  clock = new VirtualClock(START_MS)
  rotations = []
})
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close(AbortSignal.timeout(5000))
  await handlers?.stop?.()
  rmSync(folder, { recursive: true, force: true })
})

/** Sets the module up; `names` are what the suffix expands to, one after the other. */
function setUp(params: Readonly<Record<string, unknown>>, names: string[] = []): TransportHandlers<TransportSpec> {
  const defaults = Object.fromEntries(Object.entries(flatstore.spec.params).map(([name, spec]) => [name, spec.default]))
  handlers = flatstore.setup({
    params: { ...defaults, ...params } as never,
    log: silentLog,
    clock,
    stats: {},
    raise: { E_FLATSTORE_ROTATION: fields => rotations.push(fields) },
    expand: () => names.shift() ?? '.end',
    tlsDomain: () => undefined,
  }) as unknown as TransportHandlers<TransportSpec>
  return handlers
}

async function open(
  module: TransportHandlers<TransportSpec>,
  file = 'x.log',
): Promise<(...texts: string[]) => Promise<string[]>> {
  const [transport] = module.transports
  const host = { buffered: link => new BufferedSink(link, clock, silentLog) } as Partial<TransportHost> as TransportHost
  const address = transport?.parse(join(folder, file), host)
  if (transport === undefined || address === undefined) throw new Error('no transport')
  const sink = transport.open(address, host)
  sinks.push(sink)
  await whenUp(sink)
  return async (...texts) => {
    const sent = texts.map(text => sink.send(sampleEvent('E_M', null, [text]), clock.monotonicMs() + 60_000))
    return (await Promise.all(sent)).map(({ outcome }) => outcome)
  }
}

const content = (file: string): string => readFileSync(join(folder, file), 'utf8')

const rotate = (module: TransportHandlers<TransportSpec>, path: string): unknown =>
  (module.commands as unknown as { rotate: (args: { path_to_file: string }) => unknown }).rotate({ path_to_file: path })

describe('a flatstore file', () => {
  it('is rotated after rotate_count lines, within one batch too, and raises the event', async () => {
    const send = await open(setUp({ rotate_count: '3', suffix: '$time' }, ['.1', '.2', '.3']))
    expect(new Set(await send('a', 'b', 'c', 'd', 'e', 'f', 'g'))).toEqual(new Set(['delivered']))
    expect(content('x.log.1')).toBe('E_M,a\nE_M,b\nE_M,c\n')
    expect(content('x.log.2')).toBe('E_M,d\nE_M,e\nE_M,f\n')
    expect(content('x.log.3')).toBe('E_M,g\n')
    const base = join(folder, 'x.log')
    expect(rotations).toEqual([
      { timestamp: String(START_MS / 1000), reason: 'count', filename: `${base}.2`, old_filename: `${base}.1` },
      { timestamp: String(START_MS / 1000), reason: 'count', filename: `${base}.3`, old_filename: `${base}.2` },
    ])
  })

  it('is rotated after the line that reaches rotate_size', async () => {
    const send = await open(setUp({ rotate_size: '1k', suffix: 's' }, ['.1', '.2']))
    const line = 'x'.repeat(507)
    await send(line, line, line)
    expect(content('x.log.1')).toBe(`E_M,${line}\n`.repeat(2))
    expect(content('x.log.2')).toBe(`E_M,${line}\n`)
    expect(rotations.map(({ reason }) => reason)).toEqual(['size'])
  })

  it('counts bytes, not characters, and count goes before size', async () => {
    const send = await open(setUp({ rotate_size: '13', rotate_count: '1', suffix: 's' }, ['.1', '.2']))
    await send('日本') // 4 + 6 + 1 bytes
    expect(rotations.map(({ reason }) => reason)).toEqual(['count'])
  })

  it('is rotated when Unix time is a multiple of rotate_period', async () => {
    const send = await open(setUp({ rotate_period: 60, suffix: 's' }, ['.1', '.2', '.3']))
    await send('a')
    await clock.advance(59_999)
    expect(rotations).toHaveLength(0)
    await clock.advance(1)
    await send('b')
    expect(content('x.log.1')).toBe('E_M,a\n')
    expect(content('x.log.2')).toBe('E_M,b\n')
    await clock.advance(60_000)
    await send('c')
    expect(rotations.map(({ reason, timestamp }) => [reason, timestamp])).toEqual([
      ['period', String(START_MS / 1000 + 60)],
      ['period', String(START_MS / 1000 + 120)],
    ])
  })

  it('is reopened by the command after it was moved', async () => {
    const module = setUp({})
    const send = await open(module)
    await send('a')
    renameSync(join(folder, 'x.log'), join(folder, 'x.log.old'))
    expect(await rotate(module, join(folder, 'x.log'))).toBe('OK')
    expect(existsSync(join(folder, 'x.log'))).toBe(false)
    await send('b')
    expect(content('x.log.old')).toBe('E_M,a\n')
    expect(content('x.log')).toBe('E_M,b\n')
    expect(rotations.map(({ reason }) => reason)).toEqual(['mi'])
  })

  it('that is not subscribed cannot be rotated', async () => {
    const module = setUp({})
    await expect(rotate(module, '/nowhere')).rejects.toMatchObject({ code: 400, message: 'File not found' })
  })

  it('is shared by the sockets that name it, and rotated for all of them', async () => {
    const module = setUp({ suffix: 's' }, ['.1', '.2'])
    const [one, two] = [await open(module), await open(module, './x.log')]
    await one('a')
    await two('b')
    await rotate(module, join(folder, 'x.log'))
    await one('c')
    await two('d')
    expect(content('x.log.1')).toBe('E_M,a\nE_M,b\n')
    expect(content('x.log.2')).toBe('E_M,c\nE_M,d\n')
  })

  it('counts what an earlier run left towards rotate_size', async () => {
    const before = await open(setUp({}))
    await before('x'.repeat(95))
    for (const sink of sinks.splice(0)) await sink.close(AbortSignal.timeout(5000))
    const send = await open(setUp({ rotate_size: '103' }))
    await send('a')
    expect(rotations.map(({ reason }) => reason)).toEqual(['size'])
  })
})

describe('the parameters of event_flatstore', () => {
  it.each([
    [{ delimiter: ';;', escape_delimiter: '|' }, 'as long as'],
    [{ delimiter: '' }, 'empty'],
    [{ rotate_size: '5x' }, 'rotate_size'],
    [{ rotate_count: '1k' }, 'rotate_count'],
  ])('%j stop the start', (params, why) => {
    expect(() => setUp(params)).toThrow(why)
  })
})
