import type { PhoneOptions } from './bench.ts'
import { Bench, type BenchOptions } from './bench.ts'
import { ExpectationError, type StepPlace, TestSetupError } from './failure.ts'
import type { JournalEntry } from './journal.ts'
import { Observations } from './observations.ts'
import { PhoneSteps } from './phone-steps.ts'
import { WebSteps } from './web-server.ts'

/** A test as a file holds it. */
export interface TestCase {
  readonly title: string
  readonly place: StepPlace
  /** Rejects with a StepError, or with whatever the test throws. */
  play(run: TestRun): Promise<void>
  readonly options: BenchOptions
}

/** Why a test did not pass. */
export interface TestFailure {
  /** The step at fault; that of the test itself where it is none. */
  readonly place: StepPlace
  /** The step as written; '' where no step is at fault. */
  readonly step: string
  readonly message: string
  /** Of an expectation that did not come true. */
  readonly expected: string | null
  readonly came: string | null
  /** What happened until then. */
  readonly trace: readonly JournalEntry[]
}

/** What became of a test. `broken`: it, or its script, could not be run. */
export interface TestResult {
  readonly title: string
  readonly place: StepPlace
  readonly outcome: 'passed' | 'failed' | 'broken'
  readonly failure: TestFailure | null
}

/** A step that did not succeed. */
export class StepError extends Error {
  override readonly name = 'StepError'
  readonly code = 'E_STEP'
  readonly place: StepPlace
  readonly step: string
  constructor(place: StepPlace, step: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.place = place
    this.step = step
  }
}

interface RunningStep {
  readonly place: StepPlace
  readonly text: string
}

const notAwaited = ({ place, text }: RunningStep): StepError =>
  new StepError(place, text, new TestSetupError('the next step begins before this one is over: is an "await" missing?'))

/** A test that runs: its proxy, its phones, and the record of its steps. */
export class TestRun {
  readonly bench: Bench
  readonly seen: Observations
  readonly #phones = new Map<string, PhoneSteps>()
  #running: RunningStep | null = null
  #notAwaited: StepError | null = null

  constructor(bench: Bench) {
    this.bench = bench
    this.seen = new Observations(bench)
  }

  addPhone(name: string, options?: PhoneOptions): PhoneSteps {
    const phone = new PhoneSteps(this.bench.addPhone(name, options), this.bench)
    this.#phones.set(name, phone)
    return phone
  }

  phone(name: string): PhoneSteps {
    const phone = this.#phones.get(name)
    if (phone === undefined) throw new Error(`there is no phone ${name}`)
    return phone
  }

  web(name: string): WebSteps {
    const server = this.bench.webServers.get(name)
    if (server === undefined) throw new TestSetupError(`there is no web server ${name}`)
    return new WebSteps(server, this.bench)
  }

  /** Does a step. Rejects with StepError. */
  step<T>(place: StepPlace, text: string, act: () => T | Promise<T>): Promise<T> {
    const done = this.#step(place, text, act)
    // Whoever does not await it is told by `end`; a rejection that nobody takes would end the process.
    done.catch(() => {})
    return done
  }

  /** Throws a StepError where a step was begun that nothing waited for. */
  end(): void {
    if (this.#notAwaited !== null) throw this.#notAwaited
    if (this.#running !== null) throw notAwaited(this.#running)
  }

  async #step<T>(place: StepPlace, text: string, act: () => T | Promise<T>): Promise<T> {
    if (this.#running !== null) throw (this.#notAwaited = notAwaited(this.#running))
    this.#running = { place, text }
    this.bench.journal.add('step', text)
    try {
      return await act()
    } catch (error) {
      throw new StepError(place, text, error)
    } finally {
      this.#running = null
    }
  }
}

/** Runs a test on a proxy of its own. Never rejects. */
export async function runTest(test: TestCase): Promise<TestResult> {
  const { title, place } = test
  let bench: Bench | null = null
  try {
    bench = await Bench.start(test.options)
    const run = new TestRun(bench)
    await test.play(run)
    run.end()
    return { title, place, outcome: 'passed', failure: null }
  } catch (error) {
    const failure = failureOf(error, place, bench?.journal.entries ?? [])
    return { title, place, outcome: isBroken(error) ? 'broken' : 'failed', failure }
  } finally {
    await bench?.stop()
  }
}

const isBroken = (error: unknown): boolean =>
  (error instanceof StepError ? error.cause : error) instanceof TestSetupError

function failureOf(error: unknown, place: StepPlace, trace: readonly JournalEntry[]): TestFailure {
  const cause = error instanceof StepError ? error.cause : error
  const at = error instanceof StepError ? { place: error.place, step: error.step } : { place, step: '' }
  const { expected, came } = cause instanceof ExpectationError ? cause : { expected: null, came: null }
  return { ...at, message: cause instanceof Error ? cause.message : String(cause), expected, came, trace: [...trace] }
}
