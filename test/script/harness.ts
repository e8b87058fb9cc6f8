import type { Log, LogFields } from '../../src/log/log.ts'
import type { Arg, FunctionKind } from '../../src/script/args.ts'
import { AvpStore } from '../../src/script/avp.ts'
import { compileScript } from '../../src/script/compile.ts'
import { RouteContext, type RouteKind, type Step, target, type Verdict } from '../../src/script/context.ts'
import type { Diagnostic } from '../../src/script/diagnostic.ts'
import type { ScriptEnvironment, ScriptFunction } from '../../src/script/environment.ts'
import { loadScript } from '../../src/script/parse.ts'
import { memoryReader } from '../../src/script/preprocess.ts'
import type { ScriptPvar } from '../../src/script/pvar.ts'
import { Edits } from '../../src/sip/codec/edits.ts'
import { SipMessage } from '../../src/sip/codec/message.ts'
import type { ListenSocket } from '../../src/sip/net/endpoint.ts'
import type { Value } from '../../src/util/spec.ts'
import { VirtualClock } from '../../src/util/virtual-clock.ts'

/** A log that keeps what it is told. */
export class MemoryLog implements Log {
  readonly lines: { level: string; message: string; fields: LogFields }[] = []
  #add(level: string, message: string, fields: LogFields = {}): void {
    this.lines.push({ level, message, fields })
  }
  alert(message: string, fields?: LogFields): void {
    this.#add('alert', message, fields)
  }
  crit(message: string, fields?: LogFields): void {
    this.#add('crit', message, fields)
  }
  error(message: string, fields?: LogFields): void {
    this.#add('error', message, fields)
  }
  warn(message: string, fields?: LogFields): void {
    this.#add('warn', message, fields)
  }
  notice(message: string, fields?: LogFields): void {
    this.#add('notice', message, fields)
  }
  info(message: string, fields?: LogFields): void {
    this.#add('info', message, fields)
  }
  debug(message: string, fields?: LogFields): void {
    this.#add('debug', message, fields)
  }
  child(): Log {
    return this
  }
  often(): Log {
    return this
  }
  enabled(): boolean {
    return true
  }
}

const arg = (name: string, kind: FunctionKind, optional = false) => ({ name, kind, optional, doc: '' })

/** A function with the given kinds of arguments; a `?` behind a kind makes it optional. */
export function makeFunction(
  kinds: string,
  build: ScriptFunction['build'],
  rest: Partial<ScriptFunction> = {},
): ScriptFunction {
  const args = kinds
    .split(' ')
    .filter(kind => kind !== '')
    .map((kind, i) => arg(`arg${i + 1}`, kind.replace('?', '') as FunctionKind, kind.endsWith('?')))
  return { args, routes: 'any', ...rest, build }
}

/** An environment that a test fills, and what the script did in it. */
export class FakeEnvironment implements ScriptEnvironment {
  readonly functions = new Map<string, ScriptFunction>()
  readonly pvars = new Map<string, ScriptPvar>()
  readonly events = new Set(['E_PIKE_BLOCKED', 'E_ACC_CDR'])
  readonly log = new MemoryLog()
  readonly clock = new VirtualClock()
  /** Calls of functions, as `name(arg, arg)`. */
  readonly calls: string[] = []
  readonly printed: string[] = []
  readonly sockets: ListenSocket[] = [socket]
  startAsync?: NonNullable<ScriptEnvironment['startAsync']>

  constructor() {
    this.functions.set(
      'ok',
      makeFunction('', () => () => 1),
    )
    this.functions.set(
      'fail',
      makeFunction('', () => () => -1),
    )
    this.functions.set(
      'stop',
      makeFunction('', () => () => 0),
    )
    this.functions.set(
      'give',
      makeFunction('int', (value: Arg<number>) => m => value.read(m)),
    )
    this.functions.set(
      'later',
      makeFunction('int', (value: Arg<number>) => m => wait(value.read(m)), { async: true }),
    )
    this.functions.set(
      'note',
      makeFunction('str str?', (a: Arg<string>, b?: Arg<string>) => m => this.#note('note', m, a, b)),
    )
    this.functions.set(
      'throws',
      makeFunction('', () => () => {
        throw new Error('broken')
      }),
    )
    this.functions.set(
      'is_myself',
      makeFunction('str str?', (host: Arg<string>, port?: Arg<string>) => m => {
        this.#note('is_myself', m, host, port)
        return host.read(m) === '127.0.0.1' ? 1 : -1
      }),
    )
  }

  /** Adds functions that take anything and give 1, or what `results` says. */
  addLoose(names: readonly string[], results: Readonly<Record<string, Verdict>> = {}): void {
    for (const name of names)
      this.functions.set(
        name,
        makeFunction(
          'str? str? str? str? str? str? str? str? str?',
          (...args: (Arg<string> | undefined)[]) =>
            m => {
              this.#note(name, m, ...args)
              return results[name] ?? 1
            },
          { async: true },
        ),
      )
  }

  #note(name: string, m: RouteContext, ...args: (Arg<string> | undefined)[]): Verdict {
    while (args.length > 0 && args.at(-1) === undefined) args.pop()
    this.calls.push(`${name}(${args.map(one => (one === undefined ? '' : one.read(m))).join(', ')})`)
    return 1
  }

  print(level: number, text: string): void {
    this.printed.push(`${level}:${text}`)
  }

  findSocket(text: string): ListenSocket | undefined {
    return this.sockets.find(candidate => candidate.text === text)
  }
}

const wait = (value: number): Promise<number> => Promise.resolve(value)

export const socket: ListenSocket = {
  proto: 'udp',
  address: '127.0.0.1',
  port: 5060,
  advertisedHost: 'proxy.example.org',
  advertisedPort: null,
  tag: 'main',
  text: 'udp:127.0.0.1:5060',
}

export const INVITE = `INVITE sip:bob@example.org:5070;transport=tcp SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1
Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK0;received=10.0.0.2
From: "Alice" <sip:alice@127.0.0.1>;tag=ft1
To: <sip:bob@example.org>
Call-ID: call-1
CSeq: 7 INVITE
Contact: <sip:alice@127.0.0.1:5071>;q=0.5;expires=60, <sip:alice@10.0.0.1>
Max-Forwards: 70
User-Agent: Test/1.0
Subject: first
s: second
Proxy-Authorization: Digest username="alice@example.org", realm="example.org", nonce="n1", uri="sip:bob@example.org", response="0a", qop=auth, nc=00000001
Content-Type: text/plain
Content-Length: 5

hello`

/** A context on a message; line ends may be bare. */
export function contextOf(text = INVITE, kind: RouteKind = 'request', vars = 100): RouteContext {
  const message = SipMessage.parse(Buffer.from(text.replace(/\r?\n/g, '\r\n')))
  if (message === null) throw new Error('the test message cannot be parsed')
  return new RouteContext({
    kind,
    message,
    origin: { proto: 'udp', address: '127.0.0.9', port: 5099, socket, connectionId: 0 },
    target: target(message.requestUri),
    edits: new Edits(),
    avps: new AvpStore(),
    vars: new Array<Value>(vars).fill(null),
  })
}

export const REPLY = `SIP/2.0 486 Busy Here
Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1
From: <sip:alice@127.0.0.1>;tag=ft1
To: <sip:bob@example.org>;tag=tt1
Call-ID: call-1
CSeq: 7 INVITE
Content-Length: 0

`

/** Compiles a script text; throws with its errors when there are any. */
export function compileText(text: string, environment = new FakeEnvironment()) {
  const script = loadScript('test.cfg', memoryReader({ 'test.cfg': text }))
  const result = compileScript(script, environment)
  if (result.program === undefined) throw new Error(result.diagnostics.map(show).join('\n'))
  return { ...result, program: result.program, environment }
}

/** Every finding as `line:column severity code message`. */
export function findings(
  text: string,
  environment = new FakeEnvironment(),
  files: Record<string, string> = {},
): string[] {
  const script = loadScript('test.cfg', memoryReader({ ...files, 'test.cfg': text }))
  if (script.diagnostics.some(found => found.severity === 'error')) return script.diagnostics.map(show)
  return compileScript(script, environment).diagnostics.map(show)
}

const show = ({ line, column, severity, code, message }: Diagnostic): string =>
  `${line}:${column} ${severity} ${code} ${message}`

export interface RunResult {
  readonly verdict: Verdict
  readonly m: RouteContext
  readonly environment: FakeEnvironment
  /** Value of `$var(name)` at the end. */
  readonly out: Value
}

/** Runs statements as the main route and reads `$var(out)` afterwards; `routes` are further definitions. */
export async function run(
  statements: string,
  options: { routes?: string; environment?: FakeEnvironment; m?: RouteContext; settings?: string } = {},
): Promise<RunResult> {
  const { routes = '', environment = new FakeEnvironment(), m = contextOf(), settings = '' } = options
  const { program, access } = compileText(`${settings}\nroute {\n${statements}\n}\n${routes}`, environment)
  const verdict = await access.run(program.route('request', '0') as Step, m)
  return { verdict, m, environment, out: access.variable('$var(out)').get(m) }
}

/** The value of one variable expression on a message. */
export function readValue(text: string, m = contextOf(), environment = new FakeEnvironment()): Value {
  const { access } = compileText('route { exit; }', environment)
  return access.variable(text).get(m)
}
