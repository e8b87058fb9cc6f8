import { parentPort, workerData } from 'node:worker_threads'
import { awaitUnix, receiveUnix } from './unix-calls.ts'

/** What the thread is started with. */
export interface ReceiverTask {
  readonly fd: number
  /** Two cells: 1 in the first ends the thread; the second counts datagrams handed over and not yet dealt with. */
  readonly shared: SharedArrayBuffer
}

/** What the thread hands over. */
export interface Received {
  readonly bytes: Uint8Array
  readonly from: string
}

const STOP = 0
const WAITING = 1
/** Beyond this many the datagrams stay with the system, which makes their senders wait. */
const MAX_WAITING = 64
const POLL_MS = 500
/** Largest datagram taken (mi_datagram reference). */
const MAX_BYTES = 65_535

/** Receives for the main thread until told to stop: blocks in the system, which costs nothing while nothing comes. */
function receive({ fd, shared }: ReceiverTask): void {
  const state = new Int32Array(shared)
  const buffer = Buffer.alloc(MAX_BYTES)
  while (Atomics.load(state, STOP) === 0) {
    const waiting = Atomics.load(state, WAITING)
    if (waiting >= MAX_WAITING) Atomics.wait(state, WAITING, waiting, POLL_MS)
    else if (awaitUnix(fd, POLL_MS)) handOver(fd, buffer, state)
  }
}

function handOver(fd: number, buffer: Buffer, state: Int32Array): void {
  const datagram = receiveUnix(fd, buffer)
  if (datagram === null || Atomics.load(state, STOP) !== 0) return
  Atomics.add(state, WAITING, 1)
  parentPort?.postMessage({ bytes: datagram.bytes, from: datagram.from } satisfies Received)
}

receive(workerData as ReceiverTask)
