import { lstatSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DatagramDoor } from '../../../src/mi/doors/datagram.ts'
import { awaitUnix, bindUnix, closeUnix, receiveUnix, sendUnix } from '../../../src/mi/doors/unix-calls.ts'
import { DEADLY, PING, PONG } from '../golden-cases.ts'
import { type SampleInterface, sampleInterface } from '../sample-interface.ts'

let directory: string
let path: string
let sample: SampleInterface
let door: DatagramDoor
let client: number

const make = (): DatagramDoor => {
  const options = {
    address: { kind: 'unix', path },
    pretty: false,
    indent: '\t',
    rules: null,
    allowed: null,
    maxReplyBytes: 65457,
    mode: 0o620,
  } as const
  return new DatagramDoor(sample.mi, options, sample.log)
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fanfare-unix-'))
  path = join(directory, 'door')
  sample = sampleInterface()
  door = make()
  await door.open()
  client = bindUnix(join(directory, 'client'))
})
afterEach(async () => {
  await door.close()
  closeUnix(client)
  rmSync(directory, { recursive: true })
})

const buffer = Buffer.alloc(65536)

/** The next answer. The socket is looked at between turns of the loop, which the door needs too. */
async function next(fd = client): Promise<string> {
  for (;;) {
    if (awaitUnix(fd, 0)) return receiveUnix(fd, buffer)?.bytes.toString('utf8') ?? ''
    await new Promise(resolve => setImmediate(resolve))
  }
}

function ask(request: string): Promise<string> {
  sendUnix(client, Buffer.from(request), path)
  return next()
}

describe('management by a unix datagram socket', () => {
  it('a request is answered to the path its sender is bound to', async () => {
    expect(await ask(PING)).toBe(PONG)
  })

  it('many requests in a row are answered in order', async () => {
    const answers: string[] = []
    for (let id = 0; id < 200; id++) answers.push(await ask(`{"jsonrpc":"2.0","method":"ul_add","id":${id}}`))
    expect(answers.map(answer => JSON.parse(answer).id)).toEqual(Array.from({ length: 200 }, (_, id) => id))
  })

  it.each(DEADLY)('%s does no harm', async (_name, request, answer) => {
    expect(await ask(request)).toBe(answer)
    expect(await ask(PING)).toBe(PONG)
  })

  it.each(['', 'not json', '{"method"'])('%j is answered as unreadable', async request => {
    expect(await ask(request)).toBe('400 Parse_error')
    expect(await ask(PING)).toBe(PONG)
  })

  it('a client that is gone before the answer is no trouble', async () => {
    const gone = bindUnix(join(directory, 'gone'))
    unlinkSync(join(directory, 'gone'))
    sendUnix(gone, Buffer.from(PING), path)
    closeUnix(gone)
    expect(await ask(PING)).toBe(PONG)
    expect(sample.log.at('error').join()).toContain('datagram answer cannot be sent')
  })
})

describe('the unix socket itself', () => {
  it('has the mode asked for', () => {
    expect(lstatSync(path).mode & 0o777).toBe(0o620)
  })

  it('takes the place of one left behind', async () => {
    await door.close()
    closeUnix(bindUnix(path))
    door = make()
    await door.open()
    expect(await ask(PING)).toBe(PONG)
  })

  it('does not take the place of anything else', async () => {
    await door.close()
    writeFileSync(path, 'precious')
    await expect(make().open()).rejects.toThrow('is no socket')
  })

  it('is removed at the end, and closing twice does no harm', async () => {
    await Promise.all([door.close(), door.close()])
    expect(() => lstatSync(path)).toThrow('ENOENT')
  })

  it('a path too long for the system is refused with the reason', () => {
    expect(() => bindUnix(`/tmp/${'x'.repeat(200)}`)).toThrow('is longer than')
  })

  it('an owner that does not exist is refused with the reason, and nothing is left behind', async () => {
    const other = join(directory, 'other')
    const options = {
      address: { kind: 'unix', path: other },
      pretty: false,
      indent: '\t',
      rules: null,
      allowed: null,
      maxReplyBytes: 1,
      mode: 0o600,
    } as const
    const refused = new DatagramDoor(sample.mi, { ...options, user: 'no-such-user-here' }, sample.log)
    await expect(refused.open()).rejects.toThrow(/invalid user|illegal user/)
    expect(() => lstatSync(other)).toThrow('ENOENT')
  })
})
