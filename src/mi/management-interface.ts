import { type Log, LogLevel } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import type { CommandSpec } from '../util/spec.ts'
import {
  type Command,
  type CommandDescription,
  type CommandHandler,
  CommandTable,
  describeCommand,
  groupOf,
} from './command-table.ts'
import {
  type AnswerStyle,
  answerText,
  batchText,
  type CallRequest,
  MAX_BATCH,
  type Outcome,
  parseJson,
  type RequestId,
  readRequest,
  slicedAnswerText,
} from './json-rpc.ts'
import { commandError, MiCode, MiError } from './mi-error.ts'
import type { CommandRules } from './permissions.ts'
import { type CommandArgs, matchParams } from './recipes.ts'

export type { CommandDescription, CommandHandler } from './command-table.ts'
export { MiCode, MiError } from './mi-error.ts'

/** Who sent a request, for the log. */
export interface Caller {
  /** `http`, `fifo`, `datagram`, `script` … */
  readonly door: string
  /** The peer as the door knows it: address and port, path of a socket, name of a reply FIFO. */
  readonly remote: string
  /** Commands it may run; all if absent. */
  readonly rules?: readonly CommandRules[]
}

export interface HandleOptions extends AnswerStyle {
  readonly caller?: Caller
}

/** Text to send back; null when nothing is to be answered. */
export type Answer = string | null

/** Commands that may run at one time; more are refused, so that a flood of slow ones cannot fill the memory. */
const MAX_IN_PROGRESS = 1000
/** A command that has not answered by then is given up on (mi_http reference: 480 s). */
const COMMAND_TIMEOUT_MS = 480_000

const INTERNAL: Caller = { door: 'internal', remote: '' }

/**
 * The management commands of the running proxy and the JSON-RPC 2.0 engine in front of them (events reference §5.1,
 * with batches). The doors — HTTP, FIFO, datagram, script — carry text to {@link handle} and its answer back.
 */
export class ManagementInterface {
  readonly #commands = new CommandTable()
  readonly #log: Log
  readonly #clock: Clock
  #inProgress = 0

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /**
   * Adds a module's commands: key `rm` of module `usrloc` becomes `usrloc:rm`; the group of a module `proto_x` is
   * `x`. A handler throws MiError, or any Error with an integer `code`, to refuse; `undefined` means "OK". Throws
   * when a handler is missing or a name is taken: faults of the program.
   */
  register(
    module: string,
    specs: Readonly<Record<string, CommandSpec>>,
    handlers: Readonly<Record<string, CommandHandler>>,
  ): void {
    const group = groupOf(module)
    for (const [local, spec] of Object.entries(specs)) {
      const handler = handlers[local]
      if (handler === undefined) throw new Error(`module ${module} has no handler for its management command ${local}`)
      this.#commands.add({ name: `${group}:${local}`, group, local, spec, handler })
    }
  }

  /** All commands, in order of registration. */
  describe(): readonly CommandDescription[] {
    return this.#commands.all().map(describeCommand)
  }

  /** A command by canonical name, short name or alias. Throws MiError −32601 or, when several share it, −32001. */
  find(name: string): CommandDescription {
    return describeCommand(this.#lookUp(name))
  }

  /**
   * Runs one command. The handler is entered before the first await, so calls begin in the order made. Rejects with
   * MiError only; what else a handler throws is logged and becomes −32000 `Server error`.
   */
  async call(method: string, params?: unknown, caller: Caller = INTERNAL): Promise<unknown> {
    return this.#run(method, params, caller)
  }

  /**
   * Answers a JSON-RPC text, a single request or a batch; at once when the command gave its result at once. Gives null when
   * nothing is to be answered: notifications. Neither throws nor rejects. Text behind the first JSON value is ignored.
   */
  handle(text: string, options: HandleOptions = {}): Answer | Promise<Answer> {
    const parsed = parseJson(text)
    if (parsed.ok) return this.handleValue(parsed.value, options)
    return answerText({ error: new MiError(MiCode.parseError, 'Parse error') }, null, options)
  }

  /** The same for a request that is parsed already. */
  handleValue(value: unknown, options: HandleOptions = {}): Answer | Promise<Answer> {
    return Array.isArray(value) && value.length > 0 ? this.#answerAll(value, options) : this.#answer(value, options)
  }

  async #answerAll(batch: readonly unknown[], options: HandleOptions): Promise<Answer> {
    if (batch.length > MAX_BATCH) {
      const error = new MiError(MiCode.invalidRequest, 'Invalid Request', `A batch holds at most ${MAX_BATCH} requests`)
      return answerText({ error }, null, options)
    }
    const answers: string[] = []
    for (const element of batch) {
      const answer = await this.#answer(element, options)
      if (answer !== null) answers.push(answer)
    }
    return answers.length === 0 ? null : batchText(answers, options)
  }

  #answer(value: unknown, options: HandleOptions): Answer | Promise<Answer> {
    const request = readRequest(value)
    if (request.kind === 'invalid') {
      return answerText({ error: new MiError(MiCode.invalidRequest, 'Invalid Request') }, request.id, options)
    }
    const { method, id } = request
    const outcome = this.#outcome(request, options.caller)
    if (id === undefined) return outcome instanceof Promise ? outcome.then(() => null) : null
    // What is long was made in slices, and so comes by a promise.
    return outcome instanceof Promise
      ? outcome.then(late => this.#writeSliced(method, late, id, options))
      : this.#write(method, outcome, id, options)
  }

  #outcome({ method, params }: CallRequest, caller: Caller = INTERNAL): Outcome | Promise<Outcome> {
    const failure = (error: MiError): Outcome => ({ error })
    try {
      const result = this.#run(method, params, caller)
      return result instanceof Promise ? result.then(late => ({ result: late }), failure) : { result }
    } catch (error) {
      return failure(error as MiError)
    }
  }

  #write(method: string, outcome: Outcome, id: RequestId, style: AnswerStyle): string {
    try {
      return answerText(outcome, id, style)
    } catch (error) {
      return this.#unwritable(method, error, id, style)
    }
  }

  async #writeSliced(method: string, outcome: Outcome, id: RequestId, style: AnswerStyle): Promise<string> {
    try {
      return await slicedAnswerText(outcome, id, style)
    } catch (error) {
      return this.#unwritable(method, error, id, style)
    }
  }

  #unwritable(command: string, error: unknown, id: RequestId, style: AnswerStyle): string {
    this.#log.error('result of a management command cannot be written as JSON', { command, error: `${error}` })
    return answerText({ error: serverError('Failed to build the answer') }, id, style)
  }

  #lookUp(name: string): Command {
    const found = this.#commands.find(name)
    if (found.kind === 'found') return found.command
    if (found.kind === 'unknown') throw new MiError(MiCode.methodNotFound, 'Method not found')
    throw new MiError(MiCode.methodAmbiguous, 'Method ambiguous', `supported names: ${found.names.join(', ')}`)
  }

  #admit({ name, spec }: Command, { door, remote, rules = [] }: Caller): void {
    if (rules.every(one => one.allows({ name, aliases: spec.aliases ?? [] }))) return
    this.#log.warn('management command refused', { command: name, door, remote, reason: 'not permitted' })
    throw new MiError(MiCode.forbidden, 'Forbidden', `${name} may not be run here`)
  }

  /** What a command gives; a promise where its handler gives one. Throws, or rejects with, MiError. */
  #run(method: string, params: unknown, caller: Caller): unknown {
    const command = this.#lookUp(method)
    this.#admit(command, caller)
    const args = matchParams(command.spec, params)
    if (this.#inProgress >= MAX_IN_PROGRESS) throw serverError('Too many commands in progress')
    if (this.#log.enabled(LogLevel.debug)) this.#log.debug('management command', fieldsOf(command, caller))
    try {
      const result = (command.handler as (args: CommandArgs) => unknown)(args)
      return result instanceof Promise ? this.#settle(command, caller, result) : checkResult(result)
    } catch (thrown) {
      throw this.#refusal(command, caller, thrown)
    }
  }

  async #settle(command: Command, caller: Caller, result: Promise<unknown>): Promise<unknown> {
    this.#inProgress++
    try {
      return checkResult(await this.#inTime(result))
    } catch (thrown) {
      throw this.#refusal(command, caller, thrown)
    } finally {
      this.#inProgress--
    }
  }

  #inTime(result: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(COMMAND_TIMEOUT_MS, () => reject(serverError('Command took too long')))
      result.then(resolve, reject).finally(() => timer.clear())
    })
  }

  #refusal(command: Command, caller: Caller, thrown: unknown): MiError {
    const error = commandError(thrown)
    const fields = fieldsOf(command, caller)
    if (error !== null && error.code !== MiCode.serverError) {
      this.#log.debug('management command refused', { ...fields, code: error.code, reason: error.message })
      return error
    }
    const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    this.#log.error('management command failed', { ...fields, reason })
    return error ?? serverError('Command handler failed')
  }
}

const fieldsOf = ({ name }: Command, { door, remote }: Caller) => ({ command: name, door, remote })

function serverError(data: string): MiError {
  return new MiError(MiCode.serverError, 'Server error', data)
}

function checkResult(result: unknown): unknown {
  if (result === null) throw serverError('Command handler returned null')
  return result === undefined ? 'OK' : result
}
