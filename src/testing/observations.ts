import { FilterError } from '../events/filter-scanner.ts'
import { type Address, AddressError, type WireEvent } from '../events/transport.ts'
import { MiError } from '../mi/management-interface.ts'
import { didYouMean } from '../script/nearest.ts'
import type { Bench, Taken } from './bench.ts'
import { type EventTest, eventLines, eventTest, type ParamWishes } from './event-check.ts'
import { ExpectationError, TestSetupError } from './failure.ts'
import { compare, type Pattern, testOf, type ValueTest } from './pattern.ts'

/** What a management command is given: values in order, or by name. */
export type MiParams = readonly unknown[] | Readonly<Record<string, unknown>>

/** What a test sees of the proxy beside SIP: events, deliveries, log, statistics, management. */
export class Observations {
  readonly #bench: Bench

  constructor(bench: Bench) {
    this.#bench = bench
  }

  /** Takes the first event of this name and parameters that no step has spoken of. Throws ExpectationError. */
  async event(name: string, wishes?: ParamWishes, withinMs = 0): Promise<WireEvent> {
    const test = this.#testFor(name, wishes)
    const { events } = this.#bench
    const find = (): Taken<WireEvent> | undefined =>
      unread(events).find(({ what }) => what.name === name && test.holds(what))
    await this.#bench.waitFor(() => find() !== undefined, withinMs)
    const found = find()
    if (found !== undefined) {
      found.isRead = true
      return found.what
    }
    throw new ExpectationError(`the event ${inWords(name, test)}`, cameInstead(events, name))
  }

  /** Expects that no event of this name and parameters is there that no step has spoken of; of any name if absent. */
  async noEvent(name?: string, wishes?: ParamWishes): Promise<void> {
    await this.#bench.settle()
    const test = name === undefined ? eventTest() : this.#testFor(name, wishes)
    const left = unread(this.#bench.events).filter(
      ({ what }) => (name === undefined || what.name === name) && test.holds(what),
    )
    if (left.length === 0) return
    const wanted = name === undefined ? 'no other event' : `no event ${inWords(name, test)}`
    throw new ExpectationError(wanted, eventLines(left.map(({ what }) => what)))
  }

  /** Takes the first event that this subscriber was given and no step has spoken of. Throws ExpectationError. */
  async delivered(socket: string, name: string, wishes?: ParamWishes, withinMs = 0): Promise<WireEvent> {
    const { key, text } = this.#addressOf(socket)
    const test = this.#testFor(name, wishes)
    const given = (): Taken<WireEvent>[] => this.#givenTo(key)
    const find = (): Taken<WireEvent> | undefined => given().find(({ what }) => what.name === name && test.holds(what))
    await this.#bench.waitFor(() => find() !== undefined, withinMs)
    const found = find()
    if (found === undefined)
      throw new ExpectationError(`the event ${inWords(name, test)} at ${text}`, cameInstead(given(), name))
    for (const one of this.#bench.deliveries)
      if (!one.isRead && one.what.address.key === key && one.what.event === found.what) one.isRead = true
    return found.what
  }

  /** Expects that every event this subscriber was given has been spoken of. */
  async deliveredNothing(socket: string): Promise<void> {
    await this.#bench.settle()
    const { key, text } = this.#addressOf(socket)
    const left = this.#givenTo(key)
    if (left.length > 0)
      throw new ExpectationError(`nothing else to be delivered to ${text}`, eventLines(left.map(({ what }) => what)))
  }

  /** Takes a subscriber away, or brings it back. */
  async setSubscriberAway(socket: string, isAway: boolean): Promise<void> {
    this.#bench.subscribers.setAway(this.#addressOf(socket), isAway)
    await this.#bench.settle()
  }

  /** Takes the first line of the log like this that no step has spoken of. Throws ExpectationError. */
  async logged(wish: Pattern | ValueTest, withinMs = 0): Promise<string> {
    const test = lineTest(wish)
    const find = (): Taken<string> | undefined => unread(this.#bench.logLines).find(({ what }) => test.holds(what))
    await this.#bench.waitFor(() => find() !== undefined, withinMs)
    const found = find()
    if (found === undefined) {
      const lines = unread(this.#bench.logLines).map(({ what }) => what)
      throw new ExpectationError(
        `a line in the log that ${test.text}`,
        lines.length === 0 ? 'no line' : lines.join('\n'),
      )
    }
    found.isRead = true
    return found.what
  }

  /** Expects that no line of the log is like this, of those that no step has spoken of. */
  async notLogged(wish: Pattern | ValueTest): Promise<void> {
    await this.#bench.settle()
    const test = lineTest(wish)
    const found = unread(this.#bench.logLines).find(({ what }) => test.holds(what))
    if (found !== undefined) throw new ExpectationError(`no line in the log that ${test.text}`, found.what)
  }

  /** The value of a statistic, `group:name` or its name alone. Throws TestSetupError where there is none. */
  async statistic(name: string): Promise<number> {
    await this.#bench.settle()
    const { stats } = this.#bench.host
    const found = stats.find(name)
    if (found !== undefined) return found.read()
    const hint = didYouMean(
      name,
      [...stats.all()].flatMap(one => [one.name, `${one.group}:${one.name}`]),
    )
    throw new TestSetupError(`there is no statistic ${name}${hint === undefined ? '' : `; ${hint}`}`)
  }

  /** Expects a statistic to compare like this with a number: `is`, `<`, `<=`, `>`, `>=`. */
  async statisticIs(name: string, word: string, wanted: number): Promise<void> {
    const value = await this.statistic(name)
    if (!compare(word, value, wanted)) throw new ExpectationError(`statistic ${name} ${word} ${wanted}`, String(value))
  }

  /** Runs a management command and gives its result. Rejects with MiError. */
  async mi(command: string, params?: MiParams): Promise<unknown> {
    const result = this.#bench.host.mi.call(command, params)
    result.catch(() => {})
    await this.#bench.settle()
    const answer = await result
    await this.#bench.settle()
    return answer
  }

  /** Runs a management command that is to be refused with this code. */
  async miRefused(command: string, params: MiParams | undefined, code: number): Promise<void> {
    let came: string
    try {
      came = `the result ${resultText(await this.mi(command, params))}`
    } catch (error) {
      if (!(error instanceof MiError)) throw error
      if (error.code === code) return
      came = `error ${error.code} ${error.message}`
    }
    throw new ExpectationError(`mi ${command} to be refused with ${code}`, came)
  }

  #testFor(name: string, wishes: ParamWishes | undefined): EventTest {
    const { catalogue } = this.#bench.host.bus
    const type = catalogue.find(name)
    if (type === undefined) {
      const hint = didYouMean(
        name,
        catalogue.all().map(one => one.name),
      )
      throw new TestSetupError(`the script knows no event ${name}${hint === undefined ? '' : `; ${hint}`}`)
    }
    try {
      return eventTest(wishes, type)
    } catch (error) {
      if (error instanceof FilterError) throw new TestSetupError(`${name}: ${error.message}`)
      throw error
    }
  }

  #addressOf(socket: string): Address {
    try {
      return this.#bench.host.bus.parse(socket)
    } catch (error) {
      if (error instanceof AddressError) throw new TestSetupError(`subscriber ${socket}: ${error.message}`)
      throw error
    }
  }

  #givenTo(key: string): Taken<WireEvent>[] {
    return unread(this.#bench.deliveries)
      .filter(({ what }) => what.address.key === key)
      .map(({ what }) => ({ what: what.event, isRead: false }))
  }
}

const unread = <T>(all: readonly Taken<T>[]): readonly Taken<T>[] => all.filter(({ isRead }) => !isRead)

const inWords = (name: string, { text }: EventTest): string => (text === '' ? name : `${name} with ${text}`)

/** The events of that name, whose parameters differ; else all there are. */
function cameInstead(events: readonly Taken<WireEvent>[], name: string): string {
  const all = unread(events).map(({ what }) => what)
  const near = all.filter(one => one.name === name)
  return eventLines(near.length > 0 ? near : all)
}

/** Of a line of the log its text is wanted somewhere in it. */
const lineTest = (wish: Pattern | ValueTest): ValueTest =>
  typeof wish === 'string' ? { text: `has ${JSON.stringify(wish)}`, holds: line => line.includes(wish) } : testOf(wish)

/** A result of management as people read it. */
export const resultText = (result: unknown): string => (typeof result === 'string' ? result : JSON.stringify(result))
