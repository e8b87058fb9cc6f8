/** The state of a FreeSWITCH, of its heartbeat. */
export interface FreeSwitchState {
  /** Percent of the processor that is idle. */
  readonly idleCpu: number
  readonly sessions: number
  readonly maxSessions: number
}

/** An event as its subscribers get it. */
export interface ReceivedEvent {
  /** `Event-Name`. */
  readonly name: string
  /** IP address of the server. */
  readonly sender: string
  /** The event as JSON text. */
  readonly body: string
}

/** One user's hold on the connection to a server, which it shares with others. It is kept until `release`. */
export interface FreeSwitchServer {
  readonly host: string
  readonly port: number
  /** Asks for these events in the place of those before. */
  subscribe(events: readonly string[]): void
  /**
   * The answer to a command: the text of the reply, or the body of that of `api`. Waits for a connection that is being
   * opened. Null when there is none, when the command cannot be sent as one, or when no answer came in time. Never rejects.
   */
  command(text: string): Promise<string | null>
  /** Idempotent. Without users the connection is closed. */
  release(): void
}

/** What the module that is connected to FreeSWITCH servers offers. */
export interface FreeSwitchApi {
  /**
   * Calls back with each heartbeat of the server behind an `fs://` URL, and at once where one has come before. Gives what
   * ends that. A bad URL is logged.
   */
  watch(url: string, onHeartbeat: (state: FreeSwitchState) => void): () => void
  /**
   * Holds the connection to a server, opening it where there is none; one to the same host and port is shared. A host
   * alone, or the address of a server, also finds a server that is known with another port. Subscribes to the events the
   * URL names. Without a password that is known it waits for one. Throws an Error where the URL cannot be read.
   */
  hold(url: string, onEvent: (event: ReceivedEvent) => void): FreeSwitchServer
  /** Host, port and events of a URL. Throws an Error where it cannot be read. */
  parse(url: string): { readonly host: string; readonly port: number; readonly events: readonly string[] }
  /** Names of events, trimmed and each once. Throws an Error where one is none. */
  parseEvents(names: readonly string[]): readonly string[]
}

declare module '../../module/define.ts' {
  interface ModuleApis {
    freeswitch: FreeSwitchApi
  }
}
