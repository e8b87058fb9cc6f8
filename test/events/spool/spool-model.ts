import { setImmediate as turn } from 'node:timers/promises'
import type { Cursor, Handed } from '../../../src/events/spool/cursor.ts'
import { type ItemCodec, Spool, type SpoolLimits } from '../../../src/events/spool/spool.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { silentLog } from '../../conformance/host.ts'
import { FaultyDisk, randomOf } from './faulty-files.ts'

/** An item knows itself by a number; the text makes records of different lengths. */
interface Item {
  readonly id: number
  readonly text: string
}

const codec: ItemCodec<Item> = {
  encode: item => Buffer.from(JSON.stringify(item)),
  decode: payload => JSON.parse(payload.toString()) as Item,
}

const NAMES = ['billing', 'fraud', 'archive'] as const
const LIMITS: Partial<SpoolLimits> = { segmentBytes: 4096, retainMs: 0, retainBytes: 8192 }

/** What the model remembers of one receiver. */
interface Expectation {
  /** All that was ever appended for it: nothing else may come. */
  readonly ever: Set<number>
  /** What must still come, or has come and is not settled; whether it is known to be on disk. */
  readonly owed: Map<number, { isCommitted: boolean }>
  /** Settled, and not known to be kept as settled yet: may come again after a crash. */
  readonly settled: Set<number>
  /** Settled before a clean stop: must not come again. */
  readonly closed: Set<number>
  /** Ids in the order they were handed out since the last opening. */
  handed: number[]
}

/** How a run went, for the log of a long one. */
export interface ModelRun {
  readonly steps: number
  readonly crashes: number
  readonly flips: number
}

/**
 * Drives a spool on a faulty disk by chance and compares it with a model of a few lines: whatever was committed and not
 * settled comes again, in order and complete; nothing comes that was never appended; what a flipped bit takes is reported.
 * Throws an Error that names the seed at the first difference.
 */
export async function runSpoolModel(seed: number, steps: number): Promise<ModelRun> {
  const run = new ModelRunner(seed)
  try {
    await run.open()
    for (let step = 0; step < steps; step++) await run.step()
    await run.checkComplete()
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
  }
  return { steps, crashes: run.crashes, flips: run.flips }
}

class ModelRunner {
  crashes = 0
  flips = 0
  readonly #random: () => number
  readonly #disk: FaultyDisk
  #clock = new VirtualClock()
  #spool: Spool<Item> | undefined
  readonly #expected = new Map<string, Expectation>()
  #held = new Map<string, Handed<Item>[]>()
  #lastId = 0
  #reports = 0

  constructor(seed: number) {
    this.#random = randomOf(seed)
    this.#disk = new FaultyDisk(this.#random)
    for (const name of NAMES) {
      this.#expected.set(name, { ever: new Set(), owed: new Map(), settled: new Set(), closed: new Set(), handed: [] })
    }
  }

  async open(): Promise<void> {
    this.#clock = new VirtualClock(this.#clock.nowMs())
    const faultRate = this.#disk.faultRate
    this.#disk.faultRate = 0
    this.#spool = await Spool.open({
      files: this.#disk.mount(),
      clock: this.#clock,
      log: silentLog,
      codec,
      limits: LIMITS,
      listener: { damaged: () => void this.#reports++ },
    })
    this.#disk.faultRate = faultRate
    this.#held = new Map(NAMES.map(name => [name, []]))
    for (const name of NAMES) {
      this.#of(name).handed = []
      this.#opened().cursor(name)
    }
  }

  async step(): Promise<void> {
    const choice = this.#random()
    if (choice < 0.45) this.#append()
    else if (choice < 0.6) this.#take()
    else if (choice < 0.8) this.#settle()
    else if (choice < 0.88) await this.#pass()
    else if (choice < 0.9) await this.#flush()
    else if (choice < 0.95) this.#disk.faultRate = this.#random() < 0.5 ? 0 : this.#random() * 0.5
    else if (choice < 0.97) await this.#crash()
    else if (choice < 0.99) await this.#restart()
    else await this.#rot()
  }

  /** Every receiver gets all that it is owed. */
  async checkComplete(): Promise<void> {
    this.#disk.faultRate = 0
    for (let i = 0; i < 50; i++) await this.#pass(200)
    for (const name of NAMES) {
      this.#takeAll(name)
      for (let idle = 0; idle < 20; idle++) {
        await this.#pass(50)
        if (this.#takeAll(name) > 0) idle = 0
      }
      this.#checkNothingMissing(name)
    }
  }

  #append(): void {
    const item = { id: ++this.#lastId, text: 'x'.repeat(Math.floor(this.#random() * 300)) }
    for (const name of NAMES) {
      if (this.#random() < 0.3) continue
      if (!this.#opened().append(item, this.#cursor(name), 400)) continue
      this.#of(name).ever.add(item.id)
      this.#of(name).owed.set(item.id, { isCommitted: false })
    }
  }

  #take(): void {
    this.#takeOne(NAMES[Math.floor(this.#random() * NAMES.length)] ?? 'billing')
  }

  #takeOne(name: string): boolean {
    const handed = this.#cursor(name).shift()
    if (handed === undefined) return false
    const { id } = handed.item
    const expected = this.#of(name)
    if (!expected.ever.has(id)) throw new Error(`${name} got ${id}, which was never appended for it`)
    if (expected.closed.has(id)) throw new Error(`${name} got ${id}, which it had settled before a clean stop`)
    const last = expected.handed.at(-1) ?? 0
    if (id <= last) throw new Error(`${name} got ${id} behind ${last}`)
    expected.handed.push(id)
    // What one receiver was given is on disk, for all of them, and so is all before it.
    for (const { owed } of this.#expected.values()) {
      for (const [other, entry] of owed) if (other <= id) entry.isCommitted = true
    }
    this.#held.get(name)?.push(handed)
    return true
  }

  #takeAll(name: string): number {
    let count = 0
    while (this.#takeOne(name)) count++
    return count
  }

  #settle(): void {
    const name = NAMES[Math.floor(this.#random() * NAMES.length)] ?? 'billing'
    const held = this.#held.get(name) ?? []
    const [handed] = held.splice(Math.floor(this.#random() * held.length), 1)
    if (handed === undefined) return
    this.#cursor(name).settle(handed)
    this.#of(name).settled.add(handed.item.id)
    this.#of(name).owed.delete(handed.item.id)
  }

  async #pass(ms = Math.floor(this.#random() * 500)): Promise<void> {
    await this.#clock.advance(ms)
    for (let i = 0; i < 3; i++) await turn()
  }

  /** With the disk in order, what was flushed is there after any crash. */
  async #flush(): Promise<void> {
    this.#disk.faultRate = 0
    await this.#pass(6000)
    await this.#opened().flush()
    this.#allCommitted()
  }

  #allCommitted(): void {
    for (const { owed } of this.#expected.values()) for (const entry of owed.values()) entry.isCommitted = true
  }

  async #crash(): Promise<void> {
    this.crashes++
    this.#disk.crash()
    for (const { owed, settled } of this.#expected.values()) {
      for (const [id, { isCommitted }] of owed) if (!isCommitted) owed.delete(id)
      // Whether these settlements were kept is not known.
      settled.clear()
    }
    await this.open()
  }

  async #restart(): Promise<void> {
    this.#disk.faultRate = 0
    await this.#opened().close()
    this.#allCommitted()
    for (const { settled, closed } of this.#expected.values()) {
      for (const id of settled) closed.add(id)
      settled.clear()
    }
    await this.open()
  }

  async #rot(): Promise<void> {
    await this.checkComplete()
    await this.#restart()
    await this.#opened().close()
    const before = this.#reports
    const flipped = this.#disk.flipBit('.log')
    await this.open()
    if (flipped === undefined) return
    this.flips++
    await this.#expectDamageReported(before, flipped)
  }

  /** All that is readable still comes; as much as is missing was reported. */
  async #expectDamageReported(before: number, file: string): Promise<void> {
    for (let i = 0; i < 20; i++) {
      await this.#pass(50)
      for (const name of NAMES) this.#takeAll(name)
    }
    // Bytes that are no record any more may rot unnoticed; a record may not.
    const most = this.#reports === before ? 0 : 1
    for (const name of NAMES) {
      const expected = this.#of(name)
      const got = new Set(expected.handed)
      const missing = [...expected.owed.keys()].filter(id => !got.has(id))
      if (missing.length > most)
        throw new Error(`a flipped bit in ${file} cost ${name} ${missing.join(', ')}; may: ${most}`)
      for (const id of missing) expected.owed.delete(id)
    }
  }

  #checkNothingMissing(name: string): void {
    const { owed, handed } = this.#of(name)
    const got = new Set(handed)
    for (const id of owed.keys()) if (!got.has(id)) throw new Error(`${name} is owed ${id} and does not get it`)
  }

  #of(name: string): Expectation {
    const expected = this.#expected.get(name)
    if (expected === undefined) throw new Error(`no receiver ${name}`)
    return expected
  }

  #cursor(name: string): Cursor<Item> {
    return this.#opened().cursor(name)
  }

  #opened(): Spool<Item> {
    if (this.#spool === undefined) throw new Error('not open')
    return this.#spool
  }
}
