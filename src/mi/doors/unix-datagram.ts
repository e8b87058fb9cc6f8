import { chmod, lstat, unlink } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import type { Log } from '../../log/log.ts'
import type { DatagramReceiver, DatagramSocket } from './datagram-socket.ts'
import { applyOwner, type Ownership } from './ownership.ts'
import { bindUnix, closeUnix, sendUnix } from './unix-calls.ts'
import type { Received, ReceiverTask } from './unix-datagram-worker.ts'

/** The file beside this one: TypeScript in the sources, JavaScript in the package. */
const WORKER = new URL(`./unix-datagram-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/**
 * Binds a unix datagram socket, in place of an old one, and receives on a thread of its own, as Node cannot await
 * such a socket. Rejects with the reason when the path cannot be had. Closing removes the path.
 */
export async function openUnixDatagram(
  path: string,
  ownership: Ownership,
  receive: DatagramReceiver,
  log: Log,
): Promise<DatagramSocket> {
  await removeOld(path)
  const fd = bindUnix(path)
  try {
    await chmod(path, ownership.mode)
    await applyOwner(path, ownership)
  } catch (error) {
    closeUnix(fd)
    await unlink(path)
    throw error
  }
  return new UnixReceiver(path, fd, receive, log)
}

class UnixReceiver implements DatagramSocket {
  readonly name: string
  readonly #fd: number
  readonly #state = new Int32Array(new SharedArrayBuffer(8))
  readonly #ended: Promise<unknown>
  #open = true

  constructor(path: string, fd: number, receive: DatagramReceiver, log: Log) {
    this.name = path
    this.#fd = fd
    const workerData: ReceiverTask = { fd, shared: this.#state.buffer as SharedArrayBuffer }
    const worker = new Worker(WORKER, { workerData, execArgv: ['--disable-warning=ExperimentalWarning'] })
    this.#ended = new Promise(resolve => worker.once('exit', resolve))
    worker.on('error', (error: Error) => log.error('datagram receiver failed', { path, reason: error.message }))
    worker.on('message', ({ bytes, from }: Received) => {
      this.#taken()
      const reply = from === '' ? null : (text: Buffer): void => this.#reply(text, from, log)
      if (this.#open) receive(Buffer.from(bytes), from === '' ? 'unnamed socket' : from, reply)
    })
    worker.unref()
  }

  async close(): Promise<void> {
    if (!this.#open) return this.#ended.then(() => {})
    this.#open = false
    Atomics.store(this.#state, 0, 1)
    this.#taken()
    this.#wake()
    await this.#ended
    closeUnix(this.#fd)
    await unlink(this.name).catch(() => {})
  }

  #taken(): void {
    Atomics.sub(this.#state, 1, 1)
    Atomics.notify(this.#state, 1)
  }

  /** Ends the thread's wait at once; if this fails, its own time limit does. */
  #wake(): void {
    try {
      sendUnix(this.#fd, Buffer.alloc(0), this.name)
    } catch {
      // The queue is full, so the thread is awake, or the path is gone.
    }
  }

  #reply(text: Buffer, to: string, log: Log): void {
    if (!this.#open) return
    try {
      sendUnix(this.#fd, text, to)
    } catch (error) {
      log.often(to).error('datagram answer cannot be sent', { remote: to, reason: (error as Error).message })
    }
  }
}

async function removeOld(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return
  if (!found.isSocket()) throw new Error(`${path} exists and is no socket: remove it, or set another socket_name`)
  await unlink(path)
}
