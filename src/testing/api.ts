/*
 * What a test in TypeScript is written with: `import { scenario } from 'fanfare/test'`. This file stands by itself, as it is
 * published as the types of that import. What is written here is described for people in docs/testing.md.
 */

/** Milliseconds, or text: `500ms`, `2.5s`, `10m`, `3h`, `1d`. */
export type Duration = number | string

/** What a value is held against: equal text, or a regular expression that finds something in it. */
export type Pattern = string | number | RegExp

/** Headers by name; a list gives one line for each value, null leaves the header out. */
export type Headers = Readonly<Record<string, string | readonly string[] | null>>

/** What a scenario runs, and what around it. Paths are relative to the file of the test. */
export interface ScenarioOptions {
  /** The configuration. */
  readonly script: string
  /** Listen here instead of on the sockets of the script, `udp:127.0.0.1:5060`. */
  readonly listen?: string | readonly string[]
  /** The domain of phones that name none; the address of the script's first socket if absent. */
  readonly domain?: string
  /** Addresses of host names. No name server is asked. */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>>
  /** Text to put in the place of other text, wherever that stands in the script. */
  readonly replace?: Readonly<Record<string, string>>
  /** Folders the script names: each becomes a temporary copy of the folder given, or an empty one for null. */
  readonly folders?: Readonly<Record<string, string | null>>
  /** Web servers that the script asks, by a name for each: where it asks them (HTTP without TLS), and what they answer. */
  readonly web?: Readonly<Record<string, { readonly at: string; readonly status?: number; readonly body?: string }>>
  /** When the clock of the test starts; 2026-01-01T00:00:00Z if absent. */
  readonly clock?: Date | string
}

/** A SIP message. */
export interface Message {
  /** All of it. */
  readonly text: string
  /** Of a reply that of its CSeq. */
  readonly method: string
  /** 0 of a request. */
  readonly status: number
  /** The Request-URI; '' of a reply. */
  readonly uri: string
  readonly body: string
  /** The value of the first header of this name; undefined without. */
  header(name: string): string | undefined
  /** The values of all headers of this name. */
  headers(name: string): readonly string[]
}

/** What a message has to be like. */
export interface MessageWishes {
  /** Of a reply: the method it answers. */
  readonly to?: string
  readonly uri?: Pattern
  readonly reason?: Pattern
  readonly body?: Pattern
  /** One header of the name has to be like this; null: there is none. */
  readonly headers?: Readonly<Record<string, Pattern | null>>
  /** How much of the test's time may pass until it comes; none if absent. */
  readonly within?: Duration
}

/** How a phone is set up; everything has a default. */
export interface PhoneOptions {
  /** Where it is, `192.0.2.7` or `192.0.2.7:5060`; on 127.0.0.1 if absent. */
  readonly at?: string
  readonly over?: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'
  /** Its address of record; `sip:NAME@DOMAIN` if absent. */
  readonly as?: string
  /** Answers challenges with it. */
  readonly password?: string
  /** It acknowledges and answers nothing by itself. */
  readonly manual?: boolean
}

/** What a request is made of beside its method; everything has a default. */
export interface RequestOptions {
  readonly uri?: string
  readonly to?: string
  readonly headers?: Headers
  readonly body?: string
  /** Within the present call. */
  readonly inCall?: boolean
}

/** What a reply has beside its status. */
export interface ReplyOptions {
  readonly reason?: string
  readonly headers?: Headers
  readonly body?: string
  /** The method of the request that is meant, where several wait. */
  readonly to?: string
}

/**
 * A phone, a gateway or another SIP element. By itself it acknowledges, answers BYE, CANCEL, OPTIONS and NOTIFY, and
 * challenges if it has a password. Every step is over when nothing moves any more.
 */
export interface Phone {
  readonly name: string
  /** The URI it is reached at. */
  readonly contact: string
  /** Its address of record. */
  readonly aor: string
  /** Registers, and expects 200. */
  registers(options?: { readonly for?: Duration; readonly headers?: Headers }): Promise<Message>
  /** Takes its registration back, and expects 200. */
  unregisters(): Promise<Message>
  /** Calls a phone, a user of the domain or a URI. */
  calls(whom: Phone | string, options?: Omit<RequestOptions, 'uri' | 'inCall'>): Promise<Message>
  /** Replies 180 to the call. */
  rings(options?: ReplyOptions): Promise<void>
  /** Replies 200 to the call. */
  answers(options?: ReplyOptions): Promise<void>
  /** Replies to the newest request that waits for a reply. */
  replies(status: number, options?: ReplyOptions): Promise<void>
  /** Takes its call back, and expects 200 to that. */
  cancels(options?: { readonly headers?: Headers }): Promise<Message>
  /** Ends its call, and expects 200 to that. */
  hangsUp(): Promise<Message>
  /** Sends a request, and expects nothing yet. */
  sends(method: string, options?: RequestOptions): Promise<Message>
  /** Sends text as it is. */
  sendsRaw(text: string): Promise<void>
  /** Expects a message that no step has spoken of: a status, a class such as `2xx`, or a method. */
  gets(awaited: number | string, wishes?: MessageWishes): Promise<Message>
  /** Expects that every message has been spoken of, but for ACK and 100. */
  getsNothing(): Promise<void>
  /** Nothing reaches it until it comes back. */
  goesAway(): Promise<void>
  comesBack(): Promise<void>
}

/** Parameters of an event: a filter as `subscribe_event` takes it, or a pattern for each. */
export type ParamWishes = string | Readonly<Record<string, Pattern>>

/** What is expected of an event, or a line of the log, beside what it says: `within`, how much of the test's time may pass until it comes. */
export interface EventWishes {
  readonly within?: Duration
}

/** An event that was raised. */
export interface RaisedEvent {
  readonly name: string
  /** By name, or by number from 1 where they have no names. */
  readonly params: Readonly<Record<string, string | number | null>>
}

/** A program, file or broker outside the proxy that a subscription of the script leads to. */
export interface Subscriber {
  /** Expects an event that was delivered to it and that no step has spoken of. */
  gets(event: string, params?: ParamWishes, wishes?: EventWishes): Promise<RaisedEvent>
  getsNothing(): Promise<void>
  /** Nothing is delivered to it until it comes back. */
  goesAway(): Promise<void>
  comesBack(): Promise<void>
}

/** What a request to a web server has to be like. */
export interface WebWishes {
  readonly path?: Pattern
  readonly body?: Pattern
  readonly headers?: Readonly<Record<string, Pattern | null>>
  readonly within?: Duration
}

/** A request to a web server. */
export interface WebRequest {
  readonly method: string
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A web server that the script asks, declared under `web`. */
export interface WebServer {
  /** Expects a request of this method that no step has spoken of. */
  gets(method: string, wishes?: WebWishes): Promise<WebRequest>
  getsNothing(): Promise<void>
  /** Answers so from now on. */
  replies(status: number, body?: string): Promise<void>
}

/** The proxy under test, and everything around it. */
export interface Stage {
  phone(name: string, options?: PhoneOptions): Phone
  /** A subscriber by the socket the script subscribes, `rabbitmq:127.0.0.1/calls`. */
  subscriber(socket: string): Subscriber
  /** A web server by the name it is declared under. */
  web(name: string): WebServer
  /** Lets time pass: timers fire, retransmissions are sent, registrations and calls end. */
  wait(duration: Duration): Promise<void>
  /** Expects an event that no step has spoken of. */
  event(name: string, params?: ParamWishes, wishes?: EventWishes): Promise<RaisedEvent>
  /** Expects that there is no such event that no step has spoken of; without a name: none at all. */
  noEvent(name?: string, params?: ParamWishes): Promise<void>
  /** Expects a line in the log that has this text, or that the expression finds something in. */
  log(pattern: string | RegExp, wishes?: EventWishes): Promise<string>
  noLog(pattern: string | RegExp): Promise<void>
  /** The value of a statistic, `group:name` or its name alone. */
  statistic(name: string): Promise<number>
  /** Runs a management command. Rejects with an Error that has the `code` where it is refused. */
  mi(command: string, params?: readonly unknown[] | Readonly<Record<string, unknown>>): Promise<unknown>
  /** Expects that a management command is refused with this code. */
  miRefused(
    code: number,
    command: string,
    params?: readonly unknown[] | Readonly<Record<string, unknown>>,
  ): Promise<void>
  /** Milliseconds of the test's own time since its start. */
  readonly elapsedMs: number
}

/** What is done and expected. What it throws fails the scenario. */
export type ScenarioBody = (stage: Stage) => Promise<void>

/** Adds a scenario to the file that `fanfare test` runs. Each runs on a proxy of its own. */
export type AddScenario = (title: string, options: ScenarioOptions | string, body: ScenarioBody) => void
