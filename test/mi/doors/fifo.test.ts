import { execFileSync } from 'node:child_process'
import {
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FifoDoor } from '../../../src/mi/doors/fifo.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { golden } from '../golden.ts'
import { DEADLY, ENGINE_CASES, PING, PONG, PROTOCOL_CASES } from '../golden-cases.ts'
import { type SampleInterface, sampleInterface } from '../sample-interface.ts'

let directory: string
let path: string
let sample: SampleInterface
let door: FifoDoor
const readers: Socket[] = []

beforeEach(async () => {
  directory = `${mkdtempSync(join(tmpdir(), 'fanfare-fifo-'))}/`
  path = `${directory}fifo`
  sample = sampleInterface()
  door = make()
  await door.open()
})
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.destroy()
  await door.close()
  rmSync(directory, { recursive: true })
})

const make = (clock = systemClock): FifoDoor =>
  new FifoDoor(
    sample.mi,
    { path, replyDirectory: directory, pretty: false, indent: '\t', rules: null, mode: 0o640 },
    clock,
    sample.log,
  )

/** Writes as a client would that must not block: this process is the reader, too. */
function write(text: string | Buffer): Promise<void> {
  const client = new Socket({ fd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), readable: false })
  return new Promise((resolve, reject) => {
    client.on('error', reject)
    client.end(text, () => {
      client.destroy()
      resolve()
    })
  })
}

/** Makes a reply FIFO and reads it: gives the next answer of a given length. */
function replyFifo(name: string): (length: number) => Promise<string> {
  execFileSync('mkfifo', [directory + name])
  const reader = new Socket({
    fd: openSync(directory + name, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  })
  readers.push(reader)
  let text = ''
  reader.setEncoding('utf8')
  return length =>
    new Promise(resolve => {
      const take = (piece = ''): void => {
        text += piece
        if (text.length < length) return
        reader.off('data', take)
        resolve(text.slice(0, length))
        text = text.slice(length)
      }
      reader.on('data', take)
      take()
    })
}

const nameOf = (request: Buffer): string => /^:([^:]*):/.exec(request.toString())?.[1] ?? ''

async function isOpen(): Promise<void> {
  const read = replyFifo(`ping${readers.length}`)
  await write(`:ping${readers.length - 1}:${PING}`)
  expect(await read(PONG.length)).toBe(PONG)
}

/** Until a log line of this text is there. */
async function logged(text: string): Promise<void> {
  await expect.poll(() => sample.log.at('error').join('\n'), { timeout: 20_000 }).toContain(text)
}

describe('management through a FIFO', () => {
  it.each([...ENGINE_CASES.map(name => `mi/${name}`), ...PROTOCOL_CASES.map(name => `mi_proto/${name}`)])(
    '%s is answered as recorded',
    async name => {
      const request = golden(`${name}.fifo.req`)
      const expected = golden(`${name}.fifo.out`).toString()
      const read = replyFifo(nameOf(request))
      await write(request)
      expect(await read(expected.length)).toBe(expected)
    },
  )

  it.each(['bad_json', 'notification_noid'])('%s is not answered, and the next request is', async name => {
    const request = golden(`mi_proto/${name}.fifo.req`)
    const read = replyFifo(nameOf(request))
    await write(request)
    await write(`:${nameOf(request)}:${PING}`)
    expect(await read(PONG.length)).toBe(PONG)
  })

  it.each(DEADLY)('%s does no harm', async (_name, request, answer) => {
    const read = replyFifo('r')
    await write(`:r:${request}`)
    expect(await read(answer.length)).toBe(answer)
    await isOpen()
  })

  it('several requests in one write are all answered, in order', async () => {
    const read = replyFifo('r')
    await write(`:r:{"jsonrpc":"2.0","method":"ul_add","id":1}\n::${PING}:r:{"jsonrpc":"2.0","method":"ul_add","id":2}`)
    const answers = await read(2 * '{"jsonrpc":"2.0","result":"OK","id":1}'.length)
    expect([...answers.matchAll(/"id":(\d+)/g)].map(m => m[1]).sort()).toEqual(['1', '2'])
  })

  it('half a request is completed by a later write', async () => {
    const read = replyFifo('r')
    await write(`:r:${PING.slice(0, 20)}`)
    await write(PING.slice(20))
    expect(await read(PONG.length)).toBe(PONG)
  })

  it('half a request of a dead writer does not spoil the next one', async () => {
    await write(':r:{"jsonrpc":"2.0","meth')
    await isOpen()
  })

  it('a request of 100 kB written in pieces is taken', async () => {
    const read = replyFifo('r')
    const request = `:r:{"jsonrpc":"2.0","x":"${'é'.repeat(50_000)}","method":"ul_add","id":1}`
    await write(request)
    const answer = '{"jsonrpc":"2.0","result":"OK","id":1}'
    expect(await read(answer.length)).toBe(answer)
  })

  it.each(['../etc', 'a/b', 'a.b', 'a\\b'])('the reply name %s is refused', async name => {
    await write(`:${name}:${PING}`)
    await logged('must be a bare name')
    await isOpen()
  })

  it('a reply path over 128 bytes is refused', async () => {
    await write(`:${'x'.repeat(120)}:${PING}`)
    await logged('longer than 128 bytes')
    await isOpen()
  })

  it('nothing is written to a plain file, a link, or a FIFO with two names', async () => {
    writeFileSync(`${directory}plain`, '')
    replyFifo('fifo2')
    symlinkSync(`${directory}fifo2`, `${directory}link`)
    execFileSync('mkfifo', [`${directory}two`])
    linkSync(`${directory}two`, `${directory}names`)
    for (const name of ['plain', 'link', 'two', 'missing']) await write(`:${name}:${PING}`)
    await expect.poll(() => sample.log.at('error').length, { timeout: 20_000 }).toBe(4)
    expect(lstatSync(`${directory}plain`).size).toBe(0)
    expect(sample.log.at('error').filter(line => line.includes('is not a FIFO, or it has several names'))).toHaveLength(
      3,
    )
    await isOpen()
  })

  it('a reply that nobody reads is dropped after four more tries', async () => {
    execFileSync('mkfifo', [`${directory}lonely`])
    await write(`:lonely:${PING}`)
    await logged('nobody reads the reply FIFO')
    await isOpen()
  })

  it('a reply larger than a pipe holds is written whole', async () => {
    sample.mi.register('big', { text: { args: [], doc: '' } }, { text: () => 'x'.repeat(300_000) })
    const read = replyFifo('r')
    await write(':r:{"jsonrpc":"2.0","method":"big:text","id":1}')
    const answer = await read(300_000 + '{"jsonrpc":"2.0","result":"","id":1}'.length)
    expect(JSON.parse(answer).result).toHaveLength(300_000)
  })
})

describe('the FIFO itself', () => {
  it('has the mode asked for', () => {
    expect(lstatSync(path).mode & 0o777).toBe(0o640)
  })

  it('takes the place of an old one', async () => {
    const second = make()
    await second.open()
    await isOpen()
    await second.close()
  })

  it('does not take the place of anything else', async () => {
    await door.close()
    writeFileSync(path, 'precious')
    await expect(make().open()).rejects.toThrow('is no FIFO')
    expect(lstatSync(path).size).toBe(8)
  })

  it('is made anew within 30 s when it was removed or replaced', async () => {
    await door.close()
    const clock = new VirtualClock()
    door = make(clock)
    await door.open()
    unlinkSync(path)
    execFileSync('mkfifo', [path])
    await clock.advance(30_000)
    await door.recheck()
    const read = replyFifo('r')
    await write(`:r:${PING}`)
    expect(await read(PONG.length)).toBe(PONG)
    expect(sample.log.at('warn')).toHaveLength(1)
  })

  it('is removed at the end', async () => {
    await door.close()
    expect(existsSync(path)).toBe(false)
  })

  it('is left alone at the end when another took its place', async () => {
    unlinkSync(path)
    execFileSync('mkfifo', [path])
    await door.close()
    expect(existsSync(path)).toBe(true)
  })

  it('closes at once while a client holds it open', async () => {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    writeSync(fd, ':r:{"half')
    await door.close()
    expect(existsSync(path)).toBe(false)
  })
})
