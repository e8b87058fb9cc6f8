import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { MiError } from '../../mi/management-interface.ts'

/** Tells whether a file is still what it was when the proxy started. */
export class ConfigHash {
  readonly #file: string | undefined
  #hash: string | null = null

  constructor(file: string | undefined) {
    this.#file = file
  }

  /** Rejects when the file cannot be read. */
  async remember(): Promise<void> {
    if (this.#file !== undefined) this.#hash = await hashOf(this.#file)
  }

  /** MD5 of the file as it was, in hex. Throws MiError 404 when no file is watched. */
  get(): string {
    if (this.#hash === null) throw new MiError(404, 'No hash available: hash_file is not set')
    return this.#hash
  }

  /** Rejects with MiError 400 when the file has changed, 500 when it cannot be read. */
  async check(): Promise<string> {
    const before = this.get()
    const now = await hashOf(this.#file ?? '').catch(() => {
      throw new MiError(500, 'The file cannot be read')
    })
    if (now !== before) throw new MiError(400, 'The actual config file hash is not identical to the stored one')
    return 'The actual config file hash is identical to the stored one'
  }
}

async function hashOf(file: string): Promise<string> {
  return createHash('md5')
    .update(await readFile(file))
    .digest('hex')
}
