import { connect, type Socket } from 'node:net'
import type { Clock } from '../../util/clock.ts'
import { isAuthPlugin, proof, sealedPassword } from './auth.ts'
import { MysqlRefusal, type Result, readColumn, readRefusal, readRow } from './result.ts'
import type { MysqlTarget } from './url.ts'
import { MAX_PAYLOAD, PacketFramer, PacketReader, packet } from './wire.ts'

/** LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH. */
const CAPABILITIES = 0x1 | 0x2 | 0x4 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
const UTF8MB4_GENERAL_CI = 45
const QUERY = 0x03
const [OK, MORE_DATA, LOCAL_FILE, END, REFUSAL] = [0x00, 0x01, 0xfb, 0xfe, 0xff]
/** What `caching_sha2_password` says after the proof. */
const [KEY_WANTED, PROOF_TAKEN, PASSWORD_WANTED] = [0x02, 0x03, 0x04]
const MORE_RESULTS = 0x8
const NO_BACKSLASH_ESCAPES = 0x200

export interface ConnectionOptions {
  readonly clock: Clock
  /** Longest silence of the server that is waited for. */
  readonly timeoutMs: number
}

/** The connection is of no use any more, or never was. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** What a statement may be, or give, is limited here; the connection is as good as before. */
export class StatementLimit extends Error {
  override readonly name = 'StatementLimit'
}

/**
 * A connection to a MySQL or MariaDB server, in its text protocol: one statement at a time, statements that are asked for
 * meanwhile wait for their turn.
 */
export class MysqlConnection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #framer = new PacketFramer()
  readonly #arrived: Buffer[] = []
  #wake: (() => void) | null = null
  #lost: Error | null = null
  #turn: Promise<unknown> = Promise.resolve()
  /** Whether something is to come from the server. */
  #isAsking = true
  #sequence = 0
  #status = 0

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', error => this.#end(error))
    socket.on('close', () => this.#end(new Error('the server has closed the connection')))
  }

  /** Connects and logs in. Rejects with MysqlRefusal or ConnectionLost. */
  static async open(target: MysqlTarget, options: ConnectionOptions): Promise<MysqlConnection> {
    const { host, port, socketPath } = target
    const socket = connect(socketPath === undefined ? { host, port, noDelay: true } : { path: socketPath })
    const connection = new MysqlConnection(socket, options)
    try {
      await connection.#logIn(target)
      connection.#isAsking = false
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  get isLost(): boolean {
    return this.#lost !== null
  }

  /** Whether backslashes in texts stand for themselves (`sql_mode`). */
  get hasPlainBackslashes(): boolean {
    return (this.#status & NO_BACKSLASH_ESCAPES) !== 0
  }

  /** Runs one statement, keeping at most `maxRows` rows. Rejects with MysqlRefusal, StatementLimit or ConnectionLost. */
  query(sql: string, maxRows = Number.POSITIVE_INFINITY): Promise<Result> {
    const result = this.#turn.then(() => this.#query(sql, maxRows))
    this.#turn = result.catch(() => {})
    return result
  }

  /** Ends it at once. Idempotent. */
  close(): void {
    this.#end(new Error('closed'))
    this.#socket.destroy()
  }

  async #query(sql: string, maxRows: number): Promise<Result> {
    const text = Buffer.from(sql)
    if (text.length >= MAX_PAYLOAD) throw new StatementLimit(`a statement of ${text.length} bytes is too long`)
    this.#sequence = 0
    this.#isAsking = true
    this.#send(Buffer.concat([Buffer.of(QUERY), text]))
    try {
      const first = await this.#result(maxRows)
      // A procedure that is called gives its own results first, then that of the call.
      while ((this.#status & MORE_RESULTS) !== 0) await this.#result(maxRows)
      return first
    } catch (error) {
      if (error instanceof MysqlRefusal || error instanceof StatementLimit) throw error
      // What came cannot be read: nobody knows what the next bytes belong to.
      this.close()
      throw error instanceof ConnectionLost ? error : new ConnectionLost(String(error), { cause: error })
    } finally {
      this.#isAsking = false
    }
  }

  async #result(maxRows: number): Promise<Result> {
    const head = await this.#next()
    if (head[0] === REFUSAL) throw readRefusal(head)
    if (head[0] === OK) return { columns: [], rows: [], affected: this.#readOk(head) }
    if (head[0] === LOCAL_FILE) {
      // A server that asks for our files gets none.
      this.#send(Buffer.alloc(0))
      return this.#result(maxRows)
    }
    const count = new PacketReader(head).length() ?? 0
    const columns = []
    for (let i = 0; i < count; i++) columns.push(readColumn(await this.#next()))
    await this.#next()
    const rows = []
    let seen = 0
    for (;;) {
      const message = this.#arrived.shift() ?? (await this.#next())
      if (message[0] === REFUSAL) throw readRefusal(message)
      if (message[0] === END && message.length < 9) {
        this.#status = new PacketReader(message, 3).integer(2)
        break
      }
      if (++seen <= maxRows) rows.push(readRow(message, columns))
    }
    if (seen > maxRows) throw new RangeError(`the query gives more than ${maxRows} rows: limit it by LIMIT or WHERE`)
    return { columns, rows, affected: 0 }
  }

  /** Gives the number of rows. */
  #readOk(message: Buffer): number {
    const reader = new PacketReader(message, 1)
    const affected = reader.length() ?? 0
    reader.length()
    this.#status = reader.integer(2)
    return affected
  }

  async #logIn({ user, password, database }: MysqlTarget): Promise<void> {
    const greeting = await this.#next()
    if (greeting[0] === REFUSAL) throw readRefusal(greeting)
    const { nonce, plugin } = readGreeting(greeting)
    const known = isAuthPlugin(plugin) ? plugin : 'mysql_native_password'
    const evidence = proof(known, password, nonce)
    const head = Buffer.alloc(32)
    head.writeUInt32LE(CAPABILITIES, 0)
    head.writeUInt32LE(MAX_PAYLOAD, 4)
    head.writeUInt8(UTF8MB4_GENERAL_CI, 8)
    this.#send(
      Buffer.concat([
        head,
        Buffer.from(`${user}\0`),
        Buffer.of(evidence.length),
        evidence,
        Buffer.from(`${database}\0${known}\0`),
      ]),
    )
    await this.#prove(password, nonce)
  }

  /** Answers what the server asks until it lets us in. */
  async #prove(password: string, firstNonce: Buffer): Promise<void> {
    let nonce = firstNonce
    for (;;) {
      const message = await this.#next()
      if (message[0] === OK) return void this.#readOk(message)
      if (message[0] === REFUSAL) throw readRefusal(message)
      if (message[0] === END) {
        const reader = new PacketReader(message, 1)
        const plugin = reader.untilNul()
        if (!isAuthPlugin(plugin))
          throw new ConnectionLost(`the server wants the way of logging in "${plugin}", which is not offered`)
        nonce = withoutNul(reader.rest())
        this.#send(proof(plugin, password, nonce))
      } else if (message[0] === MORE_DATA) {
        if (message[1] === PASSWORD_WANTED) this.#send(Buffer.of(KEY_WANTED))
        else if (message[1] !== PROOF_TAKEN)
          this.#send(sealedPassword(password, nonce, message.subarray(1).toString('latin1')))
      } else throw new ConnectionLost('the server does not speak the MySQL protocol')
    }
  }

  #send(payload: Buffer): void {
    if (this.#lost === null) this.#socket.write(packet(payload, this.#sequence++))
  }

  /** The next message. Rejects with ConnectionLost. */
  async #next(): Promise<Buffer> {
    const { clock, timeoutMs } = this.#options
    let message = this.#arrived.shift()
    if (message !== undefined) return message
    const timer = clock.after(timeoutMs, () => {
      this.#end(new Error(`no answer within ${timeoutMs} ms`))
      this.#socket.destroy()
    })
    while ((message = this.#arrived.shift()) === undefined) {
      if (this.#lost !== null) {
        timer.clear()
        throw new ConnectionLost(this.#lost.message, { cause: this.#lost })
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    timer.clear()
    return message
  }

  #take(chunk: Buffer): void {
    try {
      const messages = this.#framer.push(chunk)
      if (messages.length === 0) return
      // Such as that the connection is killed, or the server shut down.
      if (!this.#isAsking) throw new Error('the server sent what nobody had asked for')
      this.#arrived.push(...messages)
      // The number of our next packet follows that of the server's last one.
      this.#sequence += messages.length
      this.#wakeUp()
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)))
      this.#socket.destroy()
    }
  }

  #end(error: Error): void {
    this.#lost ??= error
    this.#wakeUp()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}

/** The server's first message, of protocol version 10. */
function readGreeting(message: Buffer): { readonly nonce: Buffer; readonly plugin: string } {
  const reader = new PacketReader(message)
  const version = reader.integer(1)
  if (version !== 10) throw new ConnectionLost(`the server speaks version ${version} of its protocol, not 10`)
  reader.untilNul()
  reader.skip(4)
  const first = reader.bytes(8)
  // Filler, capabilities, character set, status, more capabilities.
  reader.skip(1 + 2 + 1 + 2 + 2)
  const size = reader.integer(1)
  reader.skip(10)
  const second = reader.bytes(Math.max(13, size - 8))
  return { nonce: Buffer.concat([first, withoutNul(second)]), plugin: reader.untilNul() }
}

const withoutNul = (bytes: Buffer): Buffer => (bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes)
