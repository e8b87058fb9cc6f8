import { parentPort, workerData } from 'node:worker_threads'
import { DatabaseError, type DatabaseErrorCode } from '../database-error.ts'
import { SqliteFile } from './sqlite-file.ts'

/** What a thread is given to work on. */
export interface ThreadTask {
  readonly path: string
  /** Longest wait for another process that is writing, milliseconds. */
  readonly busyTimeoutMs: number
  /** One integer: statements of an earlier generation than this are not wanted any more. */
  readonly generation: SharedArrayBuffer
}

/** What may be asked of a thread: a method of the file, or that it be opened. */
export type Asked =
  | 'open'
  | 'columns'
  | 'select'
  | 'insert'
  | 'update'
  | 'delete'
  | 'create'
  | 'addColumns'
  | 'query'
  | 'close'

export interface Question {
  readonly id: number
  readonly generation: number
  readonly method: Asked
  readonly args: readonly unknown[]
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly code: DatabaseErrorCode; readonly message: string; readonly cause: unknown }

const { path, busyTimeoutMs, generation } = workerData as ThreadTask
const wanted = new Int32Array(generation)
let file: SqliteFile | undefined
let current = 0

const isGivenUp = (): boolean => Atomics.load(wanted, 0) > current

async function open(): Promise<void> {
  // Only where it is used: some versions of Node.js warn when it is loaded.
  const { DatabaseSync } = await import('node:sqlite')
  try {
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
    // What was written survives the end of this process; after a loss of power the last writes may be missing, but the
    // file is whole. So no statement waits for the disk, and those behind it are not kept waiting.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    file = new SqliteFile(database, path, isGivenUp)
  } catch (cause) {
    throw new DatabaseError('E_DB_STORAGE', `cannot open ${path}: ${String(cause)}`, { cause })
  }
}

function run({ method, args }: Question): unknown {
  if (method === 'open') return open()
  const work = file?.[method] as ((...args: unknown[]) => unknown) | undefined
  return work?.call(file, ...args)
}

async function answerTo(question: Question): Promise<Answer> {
  const { id } = question
  try {
    return { id, value: await run(question) }
  } catch (error) {
    if (!(error instanceof DatabaseError))
      return { id, code: 'E_DB_STORAGE', message: `${path}: ${error}`, cause: undefined }
    return { id, code: error.code, message: error.message, cause: error.cause }
  }
}

parentPort?.on('message', async (question: Question) => {
  current = question.generation
  // Its asker has been told that it was not done.
  if (isGivenUp()) return
  const answer = await answerTo(question)
  parentPort?.postMessage(answer)
  if (question.method === 'close') parentPort?.close()
})
