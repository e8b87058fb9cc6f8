import { dirname, resolve } from 'node:path'
import type { BenchOptions, PhoneOptions, WebOptions } from '../bench.ts'
import type { StepPlace } from '../failure.ts'
import type { TestCase, TestRun } from '../test-case.ts'
import { Line } from './line.ts'
import { readPhoneOptions } from './phone-line.ts'
import { type Act, readName, readStep } from './step-line.ts'
import { readWebReply } from './web-line.ts'

/*
 * A file of tests:
 *
 *     file  = { setup } { test }
 *     setup = a line without indentation: script, listen, domain, host, replace, folder, clock, phone, web
 *     test  = 'test "TITLE"', followed by steps, each an indented line; lines indented further belong to the step above
 *
 * Words are divided by blanks; a text with blanks stands in double quotes, with \" \\ \n \r \t in it; an expression stands
 * between slashes. `#` at the beginning of a word begins a comment.
 */

/** A compiled step, with what to show of it. */
interface Step {
  readonly place: StepPlace
  readonly text: string
  readonly act: Act
}

/** What the head of a file says: `-readonly`, as it is filled line by line. */
interface Setup {
  script: string
  listen: string[]
  domain: string | undefined
  hosts: Record<string, string[]>
  replace: Record<string, string>
  folders: Record<string, string | null>
  web: Record<string, WebOptions>
  startMs: number | undefined
  readonly phones: { readonly name: string; readonly options: PhoneOptions; readonly line: Line }[]
}

/** The tests of a file; `script` is the configuration where the file names none. Throws TestFileError. */
export function parseTestFile(file: string, text: string, script: string): readonly TestCase[] {
  return new FileParser(file, text, script).parse()
}

class FileParser {
  readonly #lines: readonly Line[]
  readonly #base: string
  readonly #setup: Setup
  readonly #phones = new Set<string>()
  #at = 0

  constructor(file: string, text: string, script: string) {
    this.#lines = text
      .split('\n')
      .map((raw, index) => new Line(file, index + 1, raw))
      .filter(line => !line.isEmpty)
    this.#base = dirname(file)
    this.#setup = {
      script,
      listen: [],
      domain: undefined,
      hosts: {},
      replace: {},
      folders: {},
      web: {},
      startMs: undefined,
      phones: [],
    }
  }

  parse(): readonly TestCase[] {
    const tests: TestCase[] = []
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      if (line.indent > 0)
        throw line.error('this step belongs to no test: a line test "TITLE" has to come first', line.indent + 1)
      if (line.takes('test')) tests.push(this.#test(line))
      else if (tests.length > 0)
        throw line.error('behind the first test come tests only; is this step not indented?', 1)
      else this.#setupLine(line)
    }
    return tests
  }

  #next(): Line | undefined {
    return this.#lines[this.#at++]
  }

  #test(head: Line): TestCase {
    const title = head.value('the title of the test, in quotes').text
    head.end()
    const phones = new Set(this.#phones)
    const steps: Step[] = []
    const indent = this.#lines[this.#at]?.indent ?? 0
    while ((this.#lines[this.#at]?.indent ?? 0) > 0) steps.push(this.#step(indent, phones))
    if (steps.length === 0) throw head.error('this test has no steps: they are the indented lines below it', 1)
    return { title, place: head.place, options: this.#options(), play: run => this.#play(steps, run) }
  }

  #step(indent: number, phones: Set<string>): Step {
    const line = this.#next() as Line
    if (line.indent !== indent)
      throw line.error('this line is indented otherwise than the steps above', line.indent + 1)
    const under: Line[] = []
    while ((this.#lines[this.#at]?.indent ?? 0) > indent) under.push(this.#next() as Line)
    const act = readStep({ line, under, withinMs: 0, phones, webServers: new Set(Object.keys(this.#setup.web)) })
    line.end()
    return { place: line.place, text: line.text, act }
  }

  async #play(steps: readonly Step[], run: TestRun): Promise<void> {
    for (const { name, options, line } of this.#setup.phones)
      await run.step(line.place, line.text, () => void run.addPhone(name, options))
    for (const { place, text, act } of steps) await run.step(place, text, () => act(run))
  }

  #options(): BenchOptions {
    const { phones: _, ...options } = this.#setup
    return options
  }

  #setupLine(line: Line): void {
    const word = line.oneOf([
      'test',
      'script',
      'listen',
      'domain',
      'host',
      'replace',
      'folder',
      'clock',
      'phone',
      'web',
    ])
    const setup = this.#setup
    if (word === 'script') setup.script = resolve(this.#base, line.value('the path of a configuration').text)
    else if (word === 'listen') setup.listen.push(line.value('a socket such as udp:127.0.0.1:5060').text)
    else if (word === 'domain') setup.domain = line.value('a domain').text
    else if (word === 'host') this.#host(line)
    else if (word === 'replace') this.#replace(line)
    else if (word === 'folder') this.#folder(line)
    else if (word === 'web') this.#web(line)
    else if (word === 'clock') setup.startMs = readTime(line)
    else if (word === 'phone') {
      const name = readName(line, this.#phones)
      setup.phones.push({ name, options: readPhoneOptions(line), line })
    }
    line.end()
  }

  #host(line: Line): void {
    const name = line.value('a host name').text
    const addresses = [line.value('an address').text]
    for (let token = line.next(); token !== null; token = line.next()) addresses.push(token.text)
    this.#setup.hosts[name] = addresses
  }

  #replace(line: Line): void {
    const { text, column } = line.value('the text to replace')
    if (text === '') throw line.error('an empty text cannot be replaced', column)
    line.oneOf(['with'])
    this.#setup.replace[text] = line.value('the text to put in its place').text
  }

  #web(line: Line): void {
    const name = readName(line, new Set([...this.#phones, ...Object.keys(this.#setup.web)]))
    line.oneOf(['at'])
    const at = line.value('where the script asks it, as http://127.0.0.1:8090').text
    this.#setup.web[name] = { at, ...(line.takes('replies') ? readWebReply(line) : {}) }
  }

  #folder(line: Line): void {
    const path = line.value('a folder that the script names').text
    const from = line.takes('from') ? line.value('the folder to copy').text : null
    this.#setup.folders[path] = from === null ? null : resolve(this.#base, from)
  }
}

function readTime(line: Line): number {
  const { text, column } = line.value('a time such as 2026-03-01T08:00:00Z')
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw line.error(`"${text}" is no time: expected one such as 2026-03-01T08:00:00Z`, column)
  return ms
}
