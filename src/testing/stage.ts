import type { WireEvent } from '../events/transport.ts'
import type { SipMessage } from '../sip/codec/message.ts'
import type {
  Duration,
  EventWishes,
  Message,
  MessageWishes,
  ParamWishes,
  Pattern,
  Phone,
  PhoneOptions,
  RaisedEvent,
  ReplyOptions,
  RequestOptions,
  Stage,
  Subscriber,
  WebRequest,
  WebServer,
  WebWishes,
} from './api.ts'
import { callSite } from './call-site.ts'
import { readDuration } from './duration.ts'
import { headersOf } from './message-text.ts'
import type { MiParams } from './observations.ts'
import type { PhoneSteps } from './phone-steps.ts'
import type { TestRun } from './test-case.ts'
import type { WebSteps } from './web-server.ts'

const REGISTERED_S = 3600

/** The stage of a scenario in TypeScript: each call is a step of the run, at the place of the call. */
export class StageOf implements Stage {
  readonly #run: TestRun

  constructor(run: TestRun) {
    this.#run = run
  }

  get elapsedMs(): number {
    return this.#run.bench.clock.monotonicMs()
  }

  phone(name: string, options?: PhoneOptions): Phone {
    return new ScenarioPhone(this.#run, this.#run.addPhone(name, options))
  }

  subscriber(socket: string): Subscriber {
    return new ScenarioSubscriber(this.#run, socket)
  }

  web(name: string): WebServer {
    return new ScenarioWebServer(this.#run, name)
  }

  wait(duration: Duration): Promise<void> {
    return this.#step(`wait ${duration}`, () => this.#run.bench.advance(readDuration(duration)))
  }

  event(name: string, params?: ParamWishes, { within = 0 }: EventWishes = {}): Promise<RaisedEvent> {
    return this.#step(`event ${name}`, async () =>
      asRaised(await this.#run.seen.event(name, params, readDuration(within))),
    )
  }

  noEvent(name?: string, params?: ParamWishes): Promise<void> {
    return this.#step(`no event ${name ?? ''}`.trim(), () => this.#run.seen.noEvent(name, params))
  }

  log(pattern: string | RegExp, { within = 0 }: EventWishes = {}): Promise<string> {
    return this.#step(`log ${shown(pattern)}`, () => this.#run.seen.logged(pattern, readDuration(within)))
  }

  noLog(pattern: string | RegExp): Promise<void> {
    return this.#step(`no log ${shown(pattern)}`, () => this.#run.seen.notLogged(pattern))
  }

  statistic(name: string): Promise<number> {
    return this.#step(`statistic ${name}`, () => this.#run.seen.statistic(name))
  }

  mi(command: string, params?: MiParams): Promise<unknown> {
    return this.#step(`mi ${command}`, () => this.#run.seen.mi(command, params))
  }

  miRefused(code: number, command: string, params?: MiParams): Promise<void> {
    return this.#step(`mi ${command} refused ${code}`, () => this.#run.seen.miRefused(command, params, code))
  }

  #step<T>(text: string, act: () => T | Promise<T>): Promise<T> {
    return this.#run.step(callSite(), text, act)
  }
}

class ScenarioPhone implements Phone {
  readonly #run: TestRun
  readonly #steps: PhoneSteps

  constructor(run: TestRun, steps: PhoneSteps) {
    this.#run = run
    this.#steps = steps
  }

  get name(): string {
    return this.#steps.phone.name
  }

  get contact(): string {
    return this.#steps.phone.contact
  }

  get aor(): string {
    return this.#steps.phone.aor
  }

  registers(options: Parameters<Phone['registers']>[0] = {}): Promise<Message> {
    const expiresS = options.for === undefined ? REGISTERED_S : Math.round(readDuration(options.for) / 1000)
    return this.#message('registers', () => this.#steps.register(expiresS, options.headers))
  }

  unregisters(): Promise<Message> {
    return this.#message('unregisters', () => this.#steps.register(0))
  }

  calls(whom: Phone | string, options?: Omit<RequestOptions, 'uri' | 'inCall'>): Promise<Message> {
    const called = typeof whom === 'string' ? whom : whom.aor
    return this.#message(`calls ${called}`, () => this.#steps.call(called, options))
  }

  rings(options?: ReplyOptions): Promise<void> {
    return this.#do('rings', () => this.#steps.reply(180, options, 'INVITE'))
  }

  answers(options?: ReplyOptions): Promise<void> {
    return this.#do('answers', () => this.#steps.reply(200, options, 'INVITE'))
  }

  replies(status: number, { to, ...options }: ReplyOptions = {}): Promise<void> {
    return this.#do(`replies ${status}`, () => this.#steps.reply(status, options, to))
  }

  cancels({ headers = {} }: Parameters<Phone['cancels']>[0] = {}): Promise<Message> {
    return this.#message('cancels', () => this.#steps.cancel(headers))
  }

  hangsUp(): Promise<Message> {
    return this.#message('hangs up', () => this.#steps.hangUp())
  }

  sends(method: string, options?: RequestOptions): Promise<Message> {
    return this.#message(`sends ${method}`, () => this.#steps.send(method, options))
  }

  sendsRaw(text: string): Promise<void> {
    return this.#do('sends a text', () => this.#steps.sendRaw(text))
  }

  gets(awaited: number | string, { within = 0, ...wishes }: MessageWishes = {}): Promise<Message> {
    return this.#message(`gets ${awaited}`, () => this.#steps.gets(awaited, wishes, readDuration(within)))
  }

  getsNothing(): Promise<void> {
    return this.#do('gets nothing', () => this.#steps.getsNothing())
  }

  goesAway(): Promise<void> {
    return this.#do('goes away', () => this.#steps.setAway(true))
  }

  comesBack(): Promise<void> {
    return this.#do('comes back', () => this.#steps.setAway(false))
  }

  #do<T>(text: string, act: () => T | Promise<T>): Promise<T> {
    return this.#run.step(callSite(), `${this.name} ${text}`, act)
  }

  #message(text: string, act: () => Promise<SipMessage>): Promise<Message> {
    return this.#do(text, async () => asMessage(await act()))
  }
}

class ScenarioSubscriber implements Subscriber {
  readonly #run: TestRun
  readonly #socket: string

  constructor(run: TestRun, socket: string) {
    this.#run = run
    this.#socket = socket
  }

  gets(event: string, params?: ParamWishes, { within = 0 }: EventWishes = {}): Promise<RaisedEvent> {
    return this.#do(`gets ${event}`, async () =>
      asRaised(await this.#run.seen.delivered(this.#socket, event, params, readDuration(within))),
    )
  }

  getsNothing(): Promise<void> {
    return this.#do('gets nothing', () => this.#run.seen.deliveredNothing(this.#socket))
  }

  goesAway(): Promise<void> {
    return this.#do('goes away', () => this.#run.seen.setSubscriberAway(this.#socket, true))
  }

  comesBack(): Promise<void> {
    return this.#do('comes back', () => this.#run.seen.setSubscriberAway(this.#socket, false))
  }

  #do<T>(text: string, act: () => Promise<T>): Promise<T> {
    return this.#run.step(callSite(), `subscriber ${this.#socket} ${text}`, act)
  }
}

class ScenarioWebServer implements WebServer {
  readonly #run: TestRun
  readonly #name: string

  constructor(run: TestRun, name: string) {
    this.#run = run
    this.#name = name
  }

  gets(method: string, { within = 0, ...wishes }: WebWishes = {}): Promise<WebRequest> {
    return this.#do(`gets ${method}`, web => web.gets(method, wishes, readDuration(within)))
  }

  getsNothing(): Promise<void> {
    return this.#do('gets nothing', web => web.getsNothing())
  }

  replies(status: number, body?: string): Promise<void> {
    return this.#do(`replies ${status}`, web => web.replies(status, body))
  }

  #do<T>(text: string, act: (web: WebSteps) => T | Promise<T>): Promise<T> {
    return this.#run.step(callSite(), `${this.#name} ${text}`, () => act(this.#run.web(this.#name)))
  }
}

const asMessage = (message: SipMessage): Message => ({
  text: message.bytes.toString(),
  method: message.method,
  status: message.status,
  uri: message.requestUri,
  body: message.body.toString(),
  header: name => headersOf(message, name)[0],
  headers: name => headersOf(message, name),
})

const asRaised = ({ name, names, values }: WireEvent): RaisedEvent => ({
  name,
  params: Object.fromEntries(
    values.flatMap((value, i) => (value === undefined ? [] : [[names?.[i] ?? String(i + 1), value]])),
  ),
})

const shown = (pattern: Pattern): string => (pattern instanceof RegExp ? String(pattern) : JSON.stringify(pattern))
