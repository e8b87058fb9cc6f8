import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BrokerProcess } from './broker-process.ts'
import { accepts, freePort } from './ports.ts'

const READY_WITHIN_MS = 90_000

/** How a server in the foreground is started; everything else about it is the same for all of them. */
export interface LocalServerSpec {
  /** For messages. */
  readonly name: string
  readonly command: string
  args(port: number, directory: string): readonly string[]
  /** Done once, before the first start, such as writing a configuration. */
  prepare?(port: number, directory: string): Promise<void>
  /** Whether it serves already; by default, whether its port accepts connections. */
  isReady?(port: number): Promise<boolean>
}

/** A server of our own on a free loopback port, all its files in a temporary folder, to be killed and frozen at will. */
export class LocalServer {
  readonly port: number
  readonly directory: string
  readonly #spec: LocalServerSpec
  #process: BrokerProcess | undefined

  private constructor(spec: LocalServerSpec, port: number, directory: string) {
    this.#spec = spec
    this.port = port
    this.directory = directory
  }

  /** Starts it and waits until it serves. What it leaves behind goes with `stop`. */
  static async start(spec: LocalServerSpec): Promise<LocalServer> {
    const directory = await mkdtemp(join(tmpdir(), `fanfare-${spec.name.toLowerCase()}-`))
    const server = new LocalServer(spec, await freePort(), directory)
    try {
      await spec.prepare?.(server.port, directory)
      await server.restart()
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  /** `127.0.0.1:port`. */
  get hostPort(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Ends it at once, as a crash would; its files stay. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  /** Starts it again, on the same port and files, and waits until it serves. */
  async restart(): Promise<void> {
    const env = { PATH: process.env['PATH'], HOME: this.directory, LANG: 'C.UTF-8' }
    const { command } = this.#spec
    const running = new BrokerProcess(command, this.#spec.args(this.port, this.directory), this.directory, env)
    this.#process = running
    const isReady = this.#spec.isReady ?? accepts
    const untilMs = performance.now() + READY_WITHIN_MS
    while (!(await isReady(this.port))) {
      if (!running.isRunning || performance.now() > untilMs) throw new Error(await this.#complaint(running))
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** Freezes (true) or thaws (false) it: its sockets stay open and nothing is answered. */
  freeze(frozen: boolean): void {
    this.#process?.freeze(frozen)
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    if (this.#process?.isRunning === true) this.#process.freeze(false)
    await this.#process?.end('SIGTERM')
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  async #complaint(running: BrokerProcess): Promise<string> {
    const output = await readFile(join(this.directory, 'output.log'), 'utf8')
    const what = running.isRunning ? `did not serve within ${READY_WITHIN_MS / 1000} s` : 'ended while starting'
    return `${this.#spec.name} ${what}. Its last words:\n${output.slice(-2000)}`
  }
}
