import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../support/ports.ts'
import type { Question } from './serving.ts'

const SERVING = join(import.meta.dirname, 'serving.ts')
const QUICKSTART = join(import.meta.dirname, '../../../examples/quickstart.cfg')

/** A process that serves datagrams on a port of the loopback interface. */
export class Server {
  readonly port: number
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(process: ChildProcess, port: number, folder: string) {
    this.#process = process
    this.port = port
    this.#folder = folder
  }

  /** A plain UDP echo. */
  static echo(): Promise<Server> {
    return Server.#start('')
  }

  /** A proxy on the quickstart example; `isQuiet`: without what subscribes to events and without its HTTP server. */
  static quickstart(isQuiet: boolean): Promise<Server> {
    return Server.#script(folder => (isQuiet ? quietScript() : example().replaceAll('/tmp/', `${folder}/`)))
  }

  /** The quiet one with a dialog and a call detail record for each call; `startup` is put into its startup_route. */
  static accounting(startup = ''): Promise<Server> {
    return Server.#script(() => accountingScript(startup))
  }

  static async #script(make: (folder: string) => string): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-bench-'))
    const file = join(folder, 'bench.cfg')
    writeFileSync(file, make(folder))
    return Server.#start(folder, 'proxy', file, String(await freePort()))
  }

  static async #start(folder: string, ...args: string[]): Promise<Server> {
    const execArgv = ['--expose-gc', '--disable-warning=ExperimentalWarning', ...profiling(args[0])]
    const child = fork(SERVING, args.length > 0 ? args : ['echo'], { execArgv })
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the server ended at once')))
    const [port] = await Promise.race([once(child, 'message'), ended])
    ended.catch(() => {})
    return new Server(child, Number(port), folder)
  }

  async ask(question: Question): Promise<number> {
    this.#process.send(question)
    const [answer] = await once(this.#process, 'message')
    return Number(answer)
  }

  async stop(): Promise<void> {
    this.#process.disconnect()
    await once(this.#process, 'exit')
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true })
  }
}

const example = (): string => readFileSync(QUICKSTART, 'utf8').replace(/^loadmodule "(httpd|mi_http)\.so"\n/gm, '')

/** The quickstart example without what subscribes to events and without its HTTP server. */
export const quietScript = (): string =>
  example().replace(/^(startup_route|event_route\[\w+\]) \{\n[\s\S]*?^\}\n/gm, '')

/** The same with a dialog and a call detail record for each call; `startup` is put into its startup_route. */
export function accountingScript(startup = ''): string {
  const modules = 'loadmodule "dialog.so"\nloadmodule "acc.so"\n'
  return quietScript()
    .replace(/^(?=modparam)/m, modules)
    .replace(/^(?=route \{)/m, `startup_route {\n    ${startup}\n    xlog("L_DBG", "started\\n");\n}\n`)
    .replace('    record_route();\n', '    record_route();\n    create_dialog();\n    do_accounting("evi", "cdr");\n')
}

/** `BENCH_PROFILE=folder` leaves a processor profile of the proxy there. */
function profiling(role: string | undefined): string[] {
  const folder = process.env['BENCH_PROFILE']
  return folder === undefined || role !== 'proxy' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}
