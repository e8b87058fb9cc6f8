import { Worker } from 'node:worker_threads'
import { systemClock, type Timer } from '../../util/clock.ts'
import { DatabaseError } from '../database-error.ts'
import type { Store, StoredQuery, StoredRow } from '../driver.ts'
import type { ColumnSpec, Condition, DbValue } from '../schema.ts'
import type { Answer, Asked, Question, ThreadTask } from './sqlite-thread.ts'

/** The file beside this one: TypeScript in the sources, JavaScript in the package. */
const THREAD = new URL(`./sqlite-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/** Most statements that wait for the thread: a disk that stands still must not fill the memory. */
const MOST_WAITING = 10_000

export interface SqliteOptions {
  /** Longest wait for another process that is writing. */
  readonly busyTimeoutMs: number
  /** Longest time that a query of a script may take; no bound if absent or 0. */
  readonly queryTimeoutMs?: number
}

interface Waiting {
  readonly method: Asked
  resolve(value: unknown): void
  reject(error: DatabaseError): void
}

/**
 * An open SQLite file. Its statements run in a thread of its own, one after the other in the order in which they were asked
 * for, so that a slow disk delays nobody else.
 */
export class SqliteStore implements Store {
  readonly isHandMade = false
  readonly #path: string
  readonly #options: SqliteOptions
  readonly #thread: Worker
  readonly #generation = new Int32Array(new SharedArrayBuffer(4))
  /** Asked and not answered, in order: the first one is being run. */
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  #timer: Timer | undefined
  /** Why nothing more is taken. */
  #refusal: string | undefined
  /** The query that was given up and is still being run. */
  #overdue: number | undefined
  #closing: Promise<void> | undefined

  private constructor(path: string, options: SqliteOptions) {
    this.#path = path
    this.#options = options
    const workerData: ThreadTask = {
      path,
      busyTimeoutMs: options.busyTimeoutMs,
      generation: this.#generation.buffer as SharedArrayBuffer,
    }
    this.#thread = new Worker(THREAD, { workerData, execArgv: ['--disable-warning=ExperimentalWarning'] })
    this.#thread.on('message', (answer: Answer) => this.#answered(answer))
    this.#thread.on('error', error => this.#giveUp(`its thread failed: ${error}`))
    this.#thread.on('exit', () => this.#giveUp('its thread has ended'))
    this.#thread.unref()
  }

  /** Opens the file, which is made when there is none. Rejects with a DatabaseError. */
  static async open(path: string, options: SqliteOptions): Promise<SqliteStore> {
    const store = new SqliteStore(path, options)
    try {
      await store.#ask('open')
    } catch (error) {
      await store.#thread.terminate()
      throw error
    }
    return store
  }

  columns(table: string): Promise<readonly string[]> {
    return this.#ask('columns', table)
  }

  select(table: string, query: StoredQuery): Promise<readonly StoredRow[]> {
    return this.#ask('select', table, query)
  }

  insert(table: string, row: StoredRow): Promise<void> {
    return this.#ask('insert', table, row)
  }

  update(table: string, row: StoredRow, where: readonly Condition[]): Promise<number> {
    return this.#ask('update', table, row, where)
  }

  delete(table: string, where: readonly Condition[]): Promise<number> {
    return this.#ask('delete', table, where)
  }

  create(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    return this.#ask('create', table, columns)
  }

  addColumns(table: string, columns: Readonly<Record<string, ColumnSpec>>): Promise<void> {
    return this.#ask('addColumns', table, columns)
  }

  query(text: string): Promise<readonly (readonly DbValue[])[]> {
    return this.#ask('query', text)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#overdue !== undefined) throw this.#failure(`not closed: ${this.#refusal}`)
    if (this.#refusal !== undefined) return
    const ended = new Promise(resolve => this.#thread.once('exit', resolve))
    const closed = this.#ask<void>('close')
    this.#refusal = 'it is closed'
    await closed
    this.#thread.ref()
    await ended
  }

  #ask<T>(method: Asked, ...args: readonly unknown[]): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#failure(this.#refusal))
    if (this.#waiting.size >= MOST_WAITING)
      return Promise.reject(this.#failure(`${MOST_WAITING} statements wait for the disk already`))
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#waiting.set(id, { method, resolve: value => resolve(value as T), reject })
      if (this.#waiting.size === 1) this.#begin()
      const question: Question = { id, generation: Atomics.load(this.#generation, 0), method, args }
      this.#thread.postMessage(question)
    })
  }

  #answered(answer: Answer): void {
    if (answer.id === this.#overdue) this.#recover()
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    this.#waiting.delete(answer.id)
    this.#begin()
    if ('code' in answer) waiting.reject(new DatabaseError(answer.code, answer.message, { cause: answer.cause }))
    else waiting.resolve(answer.value)
  }

  /** The first of those that wait is run now, if there is one. */
  #begin(): void {
    this.#timer?.clear()
    this.#timer = undefined
    for (const [id, { method }] of this.#waiting) {
      // Only while somebody waits does the thread keep the process from ending.
      this.#thread.ref()
      const { queryTimeoutMs = 0 } = this.#options
      if (method === 'query' && queryTimeoutMs > 0)
        this.#timer = systemClock.after(queryTimeoutMs, () => this.#overrun(id, queryTimeoutMs))
      return
    }
    this.#thread.unref()
  }

  /** A query goes on and on. SQLite cannot be told to stop in the middle of a step, so until it does nothing else is taken. */
  #overrun(id: number, limitMs: number): void {
    this.#overdue = id
    Atomics.add(this.#generation, 0, 1)
    process.on('exit', endProcess)
    this.#giveUp(`a query takes longer than ${limitMs} ms`)
  }

  #recover(): void {
    this.#overdue = undefined
    process.off('exit', endProcess)
    if (this.#closing === undefined) this.#refusal = undefined
  }

  /** Whoever waits is told, and nothing more is taken. */
  #giveUp(reason: string): void {
    this.#refusal ??= reason
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#begin()
    for (const { reject } of waiting) reject(this.#failure(reason))
  }

  #failure(reason: string): DatabaseError {
    return new DatabaseError('E_DB_STORAGE', `${this.#path}: ${reason}`)
  }
}

/** A process that exits waits for its threads: with a query that does not end it would wait for ever. */
const endProcess = (): void => void process.kill(process.pid, 'SIGKILL')
