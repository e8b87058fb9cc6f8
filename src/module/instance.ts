import { dirname, join, resolve } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Logger } from '../log/logger.ts'
import type { Step } from '../script/context.ts'
import { printDiagnostic } from '../script/diagnostic.ts'
import type { SocketDefinition } from '../script/sockets.ts'
import { type Clock, systemClock } from '../util/clock.ts'
import { settledBefore } from '../util/settled-before.ts'
import type { AssembledHost } from './assembly.ts'
import type { Instance, ReloadResult, RoutesInForce } from './define.ts'
import { eventRouteRunner, subscribeEventRoutes } from './event-routes.ts'
import { addAliases, addHostNames, binAddresses, socketsToOpen } from './listen.ts'
import {
  type Composition,
  type LoadedScript,
  type LoadParts,
  loadConfiguration,
  type ReadyScript,
} from './load-script.ts'
import { parseSocketOptions, type ScriptLocation, ScriptReadError } from './read-script.ts'
import { Routes } from './routes.ts'
import type { LoadedModule } from './set-up.ts'
import { stateFolder } from './state-folder.ts'
import type { Surroundings } from './surroundings.ts'

export interface StartOptions extends ScriptLocation, Surroundings {
  /** Listen here instead of on the sockets of the file (`-l`). */
  readonly sockets?: readonly string[]
  /** Takes each line of the log. */
  readonly write: (line: string) => void
  /** Added to the configured `log_level` (`-d`). */
  readonly extraLogLevel?: number
  readonly clock?: Clock
  /** Called once every socket is open, before `startup_route`. What it throws stops the start. */
  readonly onListening?: () => void
}

/** A proxy that serves. */
export interface RunningProxy {
  readonly host: AssembledHost
  /** Settles when a management command asks for the end. */
  readonly stopRequested: Promise<void>
  /** Settles when {@link stop} is done. */
  readonly closed: Promise<void>
  /** Takes no new requests, lets what runs come to its end, closes everything. What is left when `signal` aborts is cut. Idempotent. */
  stop(signal: AbortSignal): Promise<void>
}

export interface StartResult {
  /** Null when the configuration has errors, or something could not be opened. */
  readonly proxy: RunningProxy | null
  /** Everything to be said about the configuration, ready to print. */
  readonly text: string
}

export interface CheckResult {
  readonly errors: number
  readonly text: string
}

/** Compiles a configuration and gives everything that is to be said about it. Opens nothing. */
export async function checkScript(location: ScriptLocation, composition: Composition): Promise<CheckResult> {
  const logger = new Logger({ clock: systemClock, write: () => {} })
  const instance = new InstanceState(composition.version, location.file, systemClock)
  const loaded = load({ location, composition, clock: systemClock, logger, instance })
  if (loaded instanceof ScriptReadError) return { errors: 1, text: `${loaded.message}\n` }
  return { errors: loaded.diagnostics.filter(({ severity }) => severity === 'error').length, text: report(loaded) }
}

/** Starts a proxy. Where that is not possible, nothing is left running and the text says why. */
export async function startScript(options: StartOptions, composition: Composition): Promise<StartResult> {
  const clock = options.clock ?? systemClock
  const logger = new Logger({ clock, write: options.write })
  const instance = new InstanceState(composition.version, options.file, clock, options)
  const loaded = load({ location: options, composition, clock, logger, instance, surroundings: options })
  if (loaded instanceof ScriptReadError) return { proxy: null, text: `${loaded.message}\n` }
  // What is unsafe the modules log themselves when they start.
  const text = report({ ...loaded, warnings: [] })
  if (loaded.ready === null) return { proxy: null, text }
  if (text !== '') options.write(text)
  logger.level += options.extraLogLevel ?? 0
  const running = new Running(loaded.ready, instance)
  try {
    const sockets = options.sockets ?? []
    const definitions = sockets.length > 0 ? parseSocketOptions(sockets) : loaded.ready.program.sockets
    await running.start(definitions, options.onListening)
    return { proxy: running, text }
  } catch (error) {
    await running.stop(AbortSignal.abort())
    return { proxy: null, text: `${error instanceof Error ? error.message : String(error)}\n` }
  }
}

function load(parts: LoadParts): LoadedScript | ScriptReadError {
  try {
    return loadConfiguration(parts)
  } catch (error) {
    if (error instanceof ScriptReadError) return error
    throw error
  }
}

function report({ diagnostics, sources, warnings }: LoadedScript): string {
  const found = diagnostics.map(diagnostic => `${printDiagnostic(diagnostic, sources)}\n`)
  return [...found, ...warnings.map(warning => `warning: ${warning}\n`)].join('')
}

/** The To tag of refusals while draining. */
const DRAINING_TAG = 'draining'

/** What modules see of the instance. */
class InstanceState implements Instance {
  readonly version: string
  readonly configuration: string
  readonly startedAtMs: number
  readonly stopRequested: Promise<void>
  readonly stop: () => void
  readonly #activities: string[] = []
  readonly #ownStateDirectory: string | undefined
  #routes: Routes | null = null

  constructor(version: string, configuration: string, clock: Clock, surroundings: Surroundings = {}) {
    this.version = version
    this.configuration = configuration
    this.#ownStateDirectory = surroundings.stateDirectory
    this.startedAtMs = clock.nowMs()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.stopRequested = promise
    this.stop = resolve
  }

  stateFolder(given: string | undefined, suffix: string): string | null {
    const { configuration } = this
    const own = this.#ownStateDirectory
    if (own !== undefined && given !== '') return join(own, suffix)
    const directory = resolve(dirname(configuration))
    return stateFolder({ given, configuration, directory, stateDirectory: process.env['STATE_DIRECTORY'] }, suffix)
  }

  activities(): readonly string[] {
    return this.#activities
  }

  addActivity(name: string): void {
    this.#activities.push(name)
  }

  /** Given once the configuration is loaded. */
  adopt(routes: Routes): void {
    this.#routes = routes
  }

  get routes(): RoutesInForce {
    return this.#routes ?? { generation: 0, loadedAtMs: this.startedAtMs, needsRestart: [] }
  }

  reloadRoutes(): ReloadResult {
    return this.#routes?.reload() ?? { ok: false, generation: 0, faults: ['nothing is loaded yet'] }
  }
}

/** A loaded configuration on its way through start, service and stop. */
class Running implements RunningProxy {
  readonly host: AssembledHost
  readonly stopRequested: Promise<void>
  readonly closed: Promise<void>
  readonly #ready: ReadyScript
  readonly #instance: InstanceState
  readonly #started: LoadedModule[] = []
  readonly #markClosed: () => void
  readonly #routes: Routes
  #isDraining = false
  #stopping: Promise<void> | null = null

  constructor(ready: ReadyScript, instance: InstanceState) {
    this.#ready = ready
    this.host = ready.host
    this.#instance = instance
    this.#routes = new Routes(ready.host, ready.program, ready.reloader)
    instance.adopt(this.#routes)
    this.stopRequested = instance.stopRequested
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#markClosed = resolve
  }

  /** Rejects with an Error that says what could not be started. */
  async start(sockets: readonly SocketDefinition[], onListening?: () => void): Promise<void> {
    const { host, program, modules } = this.#ready
    const toOpen = socketsToOpen(sockets)
    // Sockets of the command line take the place of the SIP sockets; nodes reach each other where the script says.
    host.binSockets.addresses = binAddresses([...sockets, ...program.sockets], host.binSockets.isServed)
    this.#instance.addActivity('event loop')
    for (const name of program.eventNames) host.bus.catalogue.define(name, null, 'script')
    host.bus.setRouteRunner(eventRouteRunner(() => this.#routes.program, host))
    subscribeEventRoutes(host, program)
    addAliases(host.proxy, program.aliases, sockets)
    await host.spool.start()
    for (const module of modules) await this.#startModule(module)
    host.spool.subscriptions?.restore(request => host.bus.subscribe(request))
    await host.network.open(toOpen)
    if (host.settings.auto_aliases !== 0) await addHostNames(host.proxy, toOpen, host.network.sockets)
    for (const { text } of host.network.sockets) this.#instance.addActivity(`SIP receiver ${text}`)
    onListening?.()
    for (const { handlers } of modules) await handlers.listening?.()
    await this.#runStartupRoute(program.startup)
    for (const { handlers } of modules) handlers.serving?.()
    this.#refuseWhileDraining()
    this.#routes.enterService()
    for (const { name, intervalS } of program.timers)
      this.#instance.addActivity(`timer route ${name} every ${intervalS} s`)
    const listening = host.network.sockets.map(({ text }) => text).join(', ')
    host.logger.part('core').notice('ready', { version: host.instance.version, sockets: listening })
  }

  stop(signal: AbortSignal): Promise<void> {
    this.#stopping ??= this.#stop(signal)
    return this.#stopping
  }

  async #startModule(module: LoadedModule): Promise<void> {
    this.#started.push(module)
    try {
      await module.handlers.start?.(AbortSignal.timeout(60_000))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`module ${module.spec.name} cannot start: ${reason}`, { cause })
    }
  }

  async #runStartupRoute(step: Step | undefined): Promise<void> {
    if (step === undefined) return
    const { script } = this.host
    const verdict = await script.run(step, script.dummyContext('startup'))
    if (verdict < 0) throw new Error(`startup_route failed: its last statement gave ${verdict}; the log says why`)
  }

  /** While draining, requests that begin something new are turned away; what is under way goes on. */
  #refuseWhileDraining(): void {
    const { proxy } = this.host
    proxy.hooks.beforeRequest(m => {
      const { method, toTag } = m.message
      // The ACK of such a refusal ends here too.
      if (method === 'ACK' && toTag === DRAINING_TAG) return true
      if (!this.#isDraining || toTag !== '' || method === 'ACK' || method === 'CANCEL') return false
      proxy.reply(m, { status: 503, reason: 'Shutting Down', toTag: DRAINING_TAG })
      return true
    })
  }

  async #stop(signal: AbortSignal): Promise<void> {
    const { bus, spool, network, logger } = this.host
    const log = logger.part('core')
    this.#isDraining = true
    this.#routes.stopTimers()
    const started = this.#started.toReversed()
    await settledBefore(Promise.all(started.map(({ handlers }) => handlers.drain?.(signal))), signal)
    // What the last messages raised is on its way to the queues by the end of this turn.
    await turn()
    // Before the modules stop: calls that stand need them for as long as receivers are waited for.
    await bus.drain(signal)
    for (const { spec, handlers } of started) {
      try {
        await handlers.stop?.(signal)
      } catch (error) {
        log.error('a module did not stop cleanly', { module: spec.name, reason: String(error) })
      }
    }
    await bus.close(signal)
    await spool.close()
    for (const { handlers } of started) await handlers.afterBus?.()
    await network.close()
    logger.flush()
    this.#markClosed()
  }
}
