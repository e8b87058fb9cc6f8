import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AddressError, type Delivery, type Sink } from '../../../src/events/transport.ts'
import flatstore from '../../../transports/flatstore/index.ts'
import { type OpenTransport, openTransport } from '../../conformance/host.ts'
import { sampleEvent } from '../../conformance/sample.ts'
import { type Arrival, type Peer, transportConformance, whenUp } from '../../conformance/transport.ts'

const DEADLINE_MS = 20_000

/** A file in a folder of its own, which goes away when the folder is renamed. */
class FolderPeer implements Peer {
  readonly #root = mkdtempSync(join(tmpdir(), 'fanfare-flatstore-'))
  readonly #folder = join(this.#root, 'here')

  constructor() {
    mkdirSync(this.#folder)
  }

  get socket(): string {
    return `flatstore:${this.#folder}/events.log`
  }

  arrivals(): Arrival[] {
    const file = join(this.#folder, 'events.log')
    if (!existsSync(file)) return []
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    return lines.map(line => {
      const [event = '', ...values] = line.split('\t')
      return { event, values }
    })
  }

  async arrived(count: number): Promise<void> {
    // Delivered means written: there is nothing to wait for.
    expect(this.arrivals().length).toBeGreaterThanOrEqual(count)
  }

  async stop(): Promise<void> {
    renameSync(this.#folder, join(this.#root, 'away'))
  }

  async start(): Promise<void> {
    renameSync(join(this.#root, 'away'), this.#folder)
  }

  async close(): Promise<void> {
    rmSync(this.#root, { recursive: true, force: true })
  }
}

transportConformance({
  name: 'flatstore',
  module: flatstore,
  params: { delimiter: '\t', newline_replacement: '↵' },
  makePeer: async () => new FolderPeer(),
  arrives: value =>
    value === null
      ? ''
      : String(value)
          .replace(/\r\n|\r|\n/g, '↵')
          .replaceAll('\t', ' '),
})

let folder = ''
const cleanUps: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanfare-flatstore-'))
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  rmSync(folder, { recursive: true, force: true })
})

function opened(params: Readonly<Record<string, unknown>> = {}): OpenTransport {
  const transport = openTransport([flatstore], params)
  cleanUps.push(() => transport.close())
  return transport
}

async function upSink(transport: OpenTransport, file: string): Promise<Sink> {
  const sink = transport.open(`flatstore:${join(folder, file)}`)
  await whenUp(sink)
  return sink
}

const send = async (transport: OpenTransport, sink: Sink, ...values: string[]): Promise<Delivery> =>
  sink.send(sampleEvent('E_M', null, values), transport.deadline(DEADLINE_MS))

const content = (file: string): string => readFileSync(join(folder, file), 'utf8')

describe('a flatstore socket', () => {
  it.each([
    ['a directory that is not there', 'none/x.log', 'there is no directory'],
    ['a directory', '.', 'is a directory'],
    ['a path below a file', 'file/x.log', 'there is no directory'],
  ])('is refused for %s', (_, path, why) => {
    writeFileSync(join(folder, 'file'), '')
    const open = () => opened().open(`flatstore:${join(folder, path)}`)
    expect(open).toThrow(AddressError)
    expect(open).toThrow(why)
  })

  it('is refused for one file more than max_open_sockets', async () => {
    const transport = opened({ max_open_sockets: 1 })
    await upSink(transport, 'a')
    expect(() => transport.open(`flatstore:${join(folder, 'b')}`)).toThrow('max_open_sockets')
  })

  it('prints its path and is the same socket however the path is written', () => {
    const transport = opened()
    expect(transport.parse('flatstore:/tmp/opensips.events').text).toBe('flatstore:/tmp/opensips.events')
    expect(transport.parse('flatstore:/tmp//x/../a').key).toBe(transport.parse('flatstore:/tmp/a').key)
  })

  it('creates its file at the first write, with the permissions asked for', async () => {
    const transport = opened({ file_permissions: '600' })
    const sink = await upSink(transport, 'x.log')
    expect(existsSync(join(folder, 'x.log'))).toBe(false)
    await send(transport, sink, 'a')
    expect(statSync(join(folder, 'x.log')).mode & 0o777).toBe(0o600)
  })

  it('appends to what is there', async () => {
    writeFileSync(join(folder, 'x.log'), 'before\n')
    const transport = opened()
    await send(transport, await upSink(transport, 'x.log'), 'a')
    expect(content('x.log')).toBe('before\nE_M,a\n')
  })

  it('goes on after someone else has emptied the file (copytruncate)', async () => {
    const transport = opened()
    const sink = await upSink(transport, 'x.log')
    await send(transport, sink, 'a long line that is gone afterwards')
    writeFileSync(join(folder, 'x.log'), '')
    expect(await send(transport, sink, 'b')).toEqual({ outcome: 'delivered' })
    expect(content('x.log')).toBe('E_M,b\n')
  })

  it('writes a burst in order, whole', async () => {
    const transport = opened()
    const sink = await upSink(transport, 'x.log')
    const numbers = Array.from({ length: 5000 }, (_, i) => `${i} ${'x'.repeat(100)}`)
    const outcomes = await Promise.all(numbers.map(text => send(transport, sink, text)))
    expect(outcomes.every(({ outcome }) => outcome === 'delivered')).toBe(true)
    expect(content('x.log')).toBe(numbers.map(text => `E_M,${text}\n`).join(''))
  })
})

/** Mounts a disk of 64 KiB; undefined where that is not allowed. */
function smallDisk(): string | undefined {
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  cleanUps.unshift(() => execFileSync('umount', [disk]))
  return disk
}

describe('a full disk', () => {
  it('fails the event without leaving half a line, and writing goes on once there is room', async context => {
    if (smallDisk() === undefined) return context.skip('mounting a small disk needs root')
    const transport = opened()
    const sink = await upSink(transport, 'disk/x.log')
    const first = await send(transport, sink, 'first')
    expect(first).toEqual({ outcome: 'delivered' })
    const tooMuch = await send(transport, sink, 'x'.repeat(100_000))
    expect(tooMuch).toMatchObject({ outcome: 'failed', error: { permanent: false } })
    expect(content('disk/x.log')).toBe('E_M,first\n')
    expect(sink.health.state).toBe('down')
    expect(sink.health.lastError?.message).toMatch(/full|ENOSPC/)
    await whenUp(sink)
    expect(await send(transport, sink, 'second')).toEqual({ outcome: 'delivered' })
    expect(content('disk/x.log')).toBe('E_M,first\nE_M,second\n')
  })

  it('is noticed before anything is written', async context => {
    const disk = smallDisk()
    if (disk === undefined) return context.skip('mounting a small disk needs root')
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(65_536))
    const transport = opened()
    const sink = transport.open(`flatstore:${disk}/x.log`)
    const delivery = await send(transport, sink, 'a')
    expect(delivery.outcome).toBe('failed')
    rmSync(join(disk, 'ballast'))
    await whenUp(sink)
    expect(await send(transport, sink, 'b')).toEqual({ outcome: 'delivered' })
  })
})
