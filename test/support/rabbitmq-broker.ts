import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChannelModel, connect } from 'amqplib'
import { BrokerProcess } from './broker-process.ts'
import { ensureDebianPackage } from './debian.ts'
import { accepts, freePort } from './ports.ts'

const BIN = '/usr/lib/rabbitmq/bin'
const READY_WITHIN_MS = 90_000

/**
 * Why RabbitMQ cannot be started here, or undefined when it can. Installs Debian's package first where that is
 * possible. With `RABBITMQ_URL` set nothing is started and nothing is missing.
 */
export function rabbitmqMissing(): string | undefined {
  if (process.env['RABBITMQ_URL'] !== undefined) return undefined
  if (existsSync(`${BIN}/rabbitmq-server`)) return undefined
  return ensureDebianPackage('rabbitmq-server', `${BIN}/rabbitmq-server`)
}

/** Whether a test may start a broker of its own, to kill or freeze it. */
export const canStartRabbitMq = (): boolean => existsSync(`${BIN}/rabbitmq-server`)

/** A RabbitMQ of our own on loopback, all its files in a temporary folder. */
export class RabbitMqBroker {
  readonly port: number
  readonly #directory: string
  readonly #env: NodeJS.ProcessEnv
  /** The Erlang port mapper. Started by us, because one that Erlang starts outlives the broker. */
  readonly #portMapper: BrokerProcess
  #process: BrokerProcess | undefined

  private constructor(directory: string, port: number, env: NodeJS.ProcessEnv) {
    this.#directory = directory
    this.port = port
    this.#env = env
    this.#portMapper = new BrokerProcess('epmd', [], directory, env)
  }

  /** Starts a broker and waits until it answers. What it leaves behind goes with `stop`. */
  static async start(): Promise<RabbitMqBroker> {
    const directory = await mkdtemp(join(tmpdir(), 'fanfare-rabbitmq-'))
    const [port, distPort, epmdPort] = await Promise.all([freePort(), freePort(), freePort()])
    await writeFile(join(directory, 'rabbitmq.conf'), configuration(port))
    await writeFile(join(directory, 'enabled_plugins'), '[].\n')
    const broker = new RabbitMqBroker(directory, port, environment(directory, distPort, epmdPort))
    try {
      await listening(epmdPort)
      await broker.restart()
    } catch (error) {
      await broker.stop()
      throw error
    }
    return broker
  }

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.port}`
  }

  /** `host:port`, as it stands in a `rabbitmq:` socket. */
  get hostPort(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Ends the broker at once, as a crash would; durable queues and persistent messages stay on disk. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  /** Starts the broker again, on the same port and files, and waits until it answers. */
  async restart(): Promise<void> {
    this.#process = new BrokerProcess(`${BIN}/rabbitmq-server`, [], this.#directory, this.#env)
    await this.#ready(this.#process)
  }

  /** Freezes (true) or thaws (false) the broker: its sockets stay open and nothing is answered. */
  freeze(frozen: boolean): void {
    this.#process?.freeze(frozen)
  }

  /** Runs `rabbitmqctl`; returns what it printed. */
  ctl(...args: string[]): string {
    return execFileSync(`${BIN}/rabbitmqctl`, args, {
      env: this.#env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  /** Ends the broker and its epmd, and removes the folder. */
  async stop(): Promise<void> {
    this.#process?.freeze(false)
    await this.#process?.end('SIGTERM')
    await this.#portMapper.end('SIGTERM')
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  async #ready(running: BrokerProcess): Promise<void> {
    const untilMs = performance.now() + READY_WITHIN_MS
    for (;;) {
      const connection = await connectOnce(this.url)
      if (connection !== undefined) {
        // Not waited for: the client never settles it when the connection is lost meanwhile.
        void connection.close().catch(() => {})
        return
      }
      if (!running.isRunning || performance.now() > untilMs) throw new Error(await this.#complaint(running))
      await new Promise(resolve => setTimeout(resolve, 150))
    }
  }

  async #complaint(running: BrokerProcess): Promise<string> {
    const output = await readFile(join(this.#directory, 'output.log'), 'utf8')
    const what = running.isRunning ? `did not answer within ${READY_WITHIN_MS / 1000} s` : 'ended while starting'
    return `RabbitMQ ${what}. Its last words:\n${output.slice(-2000)}`
  }
}

async function listening(port: number): Promise<void> {
  const untilMs = performance.now() + 10_000
  while (!(await accepts(port))) {
    if (performance.now() > untilMs) throw new Error(`nothing listens on port ${port} after 10 s`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function connectOnce(url: string): Promise<ChannelModel | undefined> {
  try {
    const connection = await connect(url, { timeout: 2000 })
    connection.on('error', () => {})
    return connection
  } catch {
    return undefined
  }
}

function configuration(port: number): string {
  return [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    'loopback_users = none',
    'log.console = true',
    'log.console.level = warning',
    'disk_free_limit.absolute = 50MB',
    '',
  ].join('\n')
}

function environment(directory: string, distPort: number, epmdPort: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: directory,
    RABBITMQ_NODENAME: `fanfare${distPort}@localhost`,
    RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_DIST_PORT: String(distPort),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  }
}
