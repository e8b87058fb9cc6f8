import type { SpoolFile, SpoolFiles } from '../../../src/events/spool/files.ts'

/** Numbers that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Content {
  /** As the running process sees it. */
  bytes: Buffer
  /** As it is sure to be after a crash. */
  durable: Buffer
}

/** A folder in memory whose disk can fill up, fail, lose what was not synced, and rot. */
export class FaultyDisk {
  readonly #random: () => number
  readonly #content = new Map<string, Content>()
  /** Grows with every crash: a crashed process does nothing any more. */
  #life = 0
  /** Part of the writes and syncs that fail. */
  faultRate = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** The folder as the process that is started now sees it, until the next crash. */
  mount(): SpoolFiles {
    const life = this.#life
    const isAlive = (): boolean => life === this.#life
    return {
      list: () => Promise.resolve([...this.#content.keys()]),
      open: async (name, mode) => {
        await this.#maybeFail('EMFILE')
        if (mode === 'empty' && isAlive()) this.#content.set(name, { bytes: Buffer.alloc(0), durable: Buffer.alloc(0) })
        if (!this.#content.has(name)) throw new Error(`ENOENT: ${name}`)
        return this.#handle(name, isAlive)
      },
      load: name => Promise.resolve(this.#content.get(name)?.bytes),
      store: async (name, bytes) => {
        await this.#maybeFail('ENOSPC')
        if (isAlive()) this.#content.set(name, { bytes: Buffer.from(bytes), durable: Buffer.from(bytes) })
      },
      remove: name => {
        if (isAlive()) this.#content.delete(name)
        return Promise.resolve()
      },
    }
  }

  /** What kill -9 and a power cut leave: of what was not synced, some beginning, and zeros where the rest should be. */
  crash(): void {
    this.#life++
    for (const content of this.#content.values()) {
      const { bytes, durable } = content
      const extra = Math.floor(this.#random() * (Math.max(0, bytes.length - durable.length) + 1))
      const kept = Buffer.concat([durable, bytes.subarray(durable.length, durable.length + extra)])
      if (this.#random() < 0.3 && kept.length > durable.length) kept.fill(0, durable.length + Math.floor(extra / 2))
      content.bytes = kept
      content.durable = Buffer.from(kept)
    }
  }

  /** Flips one bit of a file whose name ends so; undefined when there is none. Only of what is on disk. */
  flipBit(suffix: string): string | undefined {
    const names = [...this.#content.keys()].filter(name => name.endsWith(suffix) && this.#sizeOf(name) > 0)
    const name = names[Math.floor(this.#random() * names.length)]
    const content = name === undefined ? undefined : this.#content.get(name)
    if (name === undefined || content === undefined) return undefined
    const at = Math.floor(this.#random() * content.bytes.length)
    const flipped = (content.bytes[at] ?? 0) ^ (1 << Math.floor(this.#random() * 8))
    content.bytes[at] = flipped
    content.durable = Buffer.from(content.bytes)
    return name
  }

  #sizeOf(name: string): number {
    return this.#content.get(name)?.bytes.length ?? 0
  }

  async #maybeFail(code: string): Promise<void> {
    await Promise.resolve()
    if (this.#random() < this.faultRate) throw Object.assign(new Error(`${code}: injected`), { code })
  }

  #handle(name: string, isAlive: () => boolean): SpoolFile {
    const current = (): Content => {
      const content = this.#content.get(name)
      if (content === undefined) throw new Error(`EBADF: ${name} is gone`)
      return content
    }
    return {
      write: async (pieces, at) => {
        const bytes = Buffer.concat(pieces)
        const isFailing = this.#random() < this.faultRate
        await Promise.resolve()
        if (!isAlive()) return
        const part = isFailing ? bytes.subarray(0, Math.floor(this.#random() * bytes.length)) : bytes
        const content = current()
        const grown = Buffer.alloc(Math.max(content.bytes.length, at + part.length))
        content.bytes.copy(grown)
        part.copy(grown, at)
        content.bytes = grown
        if (isFailing) throw Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' })
      },
      read: async (into, at) => {
        await Promise.resolve()
        return current().bytes.copy(into, 0, at)
      },
      sync: async () => {
        await this.#maybeFail('EIO')
        if (isAlive()) current().durable = Buffer.from(current().bytes)
      },
      truncate: async size => {
        await this.#maybeFail('EIO')
        if (isAlive()) current().bytes = current().bytes.subarray(0, size)
      },
      size: () => Promise.resolve(current().bytes.length),
      close: () => Promise.resolve(),
    }
  }
}
