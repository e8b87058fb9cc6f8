import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Log } from '../../log/log.ts'
import type { Clock, Timer } from '../../util/clock.ts'
import { parseJson } from '../json-rpc.ts'
import type { ManagementInterface } from '../management-interface.ts'
import type { CommandRules } from '../permissions.ts'
import { FifoFrames, type FifoRequest } from './fifo-frames.ts'
import { replyPath, writeReply } from './fifo-reply.ts'
import { applyOwner, makeFifo, type Ownership } from './ownership.ts'
import { answerText, FIFO_WORDING } from './text-request.ts'

export interface FifoDoorOptions extends Ownership {
  readonly path: string
  /** Put before each reply name, without a separator. */
  readonly replyDirectory: string
  readonly pretty: boolean
  /** What stands for a level in answers in text form. */
  readonly indent: string
  readonly rules: CommandRules | null
}

/** Longest request kept while the rest of it is awaited, characters. */
const MAX_REQUEST = 1 << 20
/** How often it is checked that the FIFO is still ours. */
const CHECK_MS = 30_000
/** The rest of a request must come by then, counted from what came last: a writer sends it in one go. */
const REST_MS = 10_000
/** Replies that may wait for their readers at one time; further ones are dropped. */
const MAX_REPLIES = 256

/** The FIFO clients write management requests to (events reference §5.3). */
export class FifoDoor {
  readonly #mi: ManagementInterface
  readonly #options: FifoDoorOptions
  readonly #clock: Clock
  readonly #log: Log
  #pipe: Socket | null = null
  /** The FIFO we read, as it was when we opened it. */
  #identity: Stats | null = null
  #check: Timer | null = null
  #checking: Promise<void> = Promise.resolve()
  #replies = 0

  constructor(mi: ManagementInterface, options: FifoDoorOptions, clock: Clock, log: Log) {
    this.#mi = mi
    this.#options = options
    this.#clock = clock
    this.#log = log
  }

  /** Makes the FIFO, in place of an old one, and reads it. Rejects when the path cannot be had, saying why. */
  async open(): Promise<void> {
    await this.#create()
    this.#check = this.#clock.every(CHECK_MS, () => void this.recheck())
  }

  /** Makes the FIFO anew if it was removed or replaced. Never rejects. */
  recheck(): Promise<void> {
    this.#checking = this.#checking.then(() => this.#renew())
    return this.#checking
  }

  async #renew(): Promise<void> {
    try {
      if (await this.#isOurs()) return
      this.#log.warn('FIFO was removed or replaced; it is made anew', { path: this.#options.path })
      this.#pipe?.destroy()
      await this.#create()
    } catch (error) {
      this.#log.error('FIFO cannot be made anew', { path: this.#options.path, reason: (error as Error).message })
    }
  }

  /** Stops reading and removes the FIFO, if it is still ours. */
  async close(): Promise<void> {
    this.#check?.clear()
    await this.#checking
    this.#pipe?.destroy()
    if (await this.#isOurs()) await unlink(this.#options.path)
    this.#identity = null
  }

  async #create(): Promise<void> {
    const { path, mode } = this.#options
    this.#identity = null
    await removeOld(path)
    await makeFifo(path, mode)
    await applyOwner(path, this.#options)
    // With a writer of our own, the end of a client is no end of input.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const identity = fstatSync(fd)
    if (!identity.isFIFO()) {
      closeSync(fd)
      throw new Error(`${path} was replaced by something that is no FIFO`)
    }
    this.#identity = identity
    this.#pipe = this.#read(fd)
  }

  #read(fd: number): Socket {
    const { path } = this.#options
    const frames = new FifoFrames(
      MAX_REQUEST,
      request => void this.#serve(request),
      (text, why) => this.#log.error('FIFO request dropped', { path, why, text: text.slice(0, 200) }),
    )
    const pipe = new Socket({ fd, readable: true, writable: false })
    pipe.setEncoding('utf8')
    let patience: Timer | null = null
    pipe.on('data', text => {
      frames.push(`${text}`)
      patience?.clear()
      patience = frames.isWaiting ? this.#clock.after(REST_MS, () => frames.abandon('the rest did not come')) : null
    })
    pipe.on('close', () => patience?.clear())
    pipe.on('error', error => this.#log.error('FIFO cannot be read', { path, reason: error.message }))
    return pipe
  }

  async #serve(request: FifoRequest): Promise<void> {
    const { replyName } = request
    const answer = await this.#answer(request)
    if (answer === null || replyName === '') return
    if (this.#replies >= MAX_REPLIES) return this.#log.error('FIFO reply dropped', { why: 'too many replies waiting' })
    this.#replies++
    try {
      await writeReply(replyPath(this.#options.replyDirectory, replyName), answer, this.#clock)
    } catch (error) {
      this.#log.error('FIFO reply dropped', { name: replyName, why: (error as Error).message })
    } finally {
      this.#replies--
    }
  }

  async #answer({ replyName, form, text }: FifoRequest): Promise<string | null> {
    const { rules, pretty, indent } = this.#options
    const caller = { door: 'fifo', remote: replyName, rules: rules === null ? [] : [rules] }
    if (form === 'text') return answerText(this.#mi, text, caller, { ...FIFO_WORDING, indent })
    const parsed = parseJson(text)
    if (parsed.ok) return this.#mi.handleValue(parsed.value, { caller, pretty })
    this.#log.error('FIFO request dropped', { why: 'no JSON', text: text.slice(0, 200) })
    return null
  }

  async #isOurs(): Promise<boolean> {
    const mine = this.#identity
    const found = await lstat(this.#options.path).catch(() => null)
    return mine !== null && found !== null && found.ino === mine.ino && found.dev === mine.dev
  }
}

async function removeOld(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return
  if (!found.isFIFO()) throw new Error(`${path} exists and is no FIFO: remove it, or set another fifo_name`)
  await unlink(path)
}
