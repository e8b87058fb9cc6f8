import type { FreeSwitchApi, FreeSwitchServer, FreeSwitchState } from './api.ts'
import type { FreeSwitchEvent } from './event.ts'
import { type Holder, Server, type ServerServices } from './server.ts'
import { type FreeSwitchUrl, parseEventNames, parseFreeSwitchUrl, serverKey } from './url.ts'

/** Intervals without a heartbeat after which that is said. */
const SILENT_INTERVALS = 3

/** Every server that somebody uses, by host and port. */
export class Servers implements FreeSwitchApi {
  readonly #services: ServerServices
  readonly #heartbeatMs: number
  readonly #servers = new Map<string, Server>()

  constructor(services: ServerServices, heartbeatMs: number) {
    this.#services = services
    this.#heartbeatMs = heartbeatMs
  }

  parse(url: string): FreeSwitchUrl {
    return parseFreeSwitchUrl(url)
  }

  parseEvents(names: readonly string[]): readonly string[] {
    return parseEventNames(names)
  }

  hold(text: string, onEvent: Parameters<FreeSwitchApi['hold']>[1]): FreeSwitchServer {
    const url = parseFreeSwitchUrl(text)
    return this.#hold(this.#join(url), {
      events: url.events,
      onEvent: ({ name, body }, sender) => onEvent({ name, sender, body }),
    })
  }

  watch(text: string, onHeartbeat: (state: FreeSwitchState) => void): () => void {
    const { clock, log } = this.#services
    let url: FreeSwitchUrl
    try {
      url = parseFreeSwitchUrl(text)
    } catch (error) {
      log.error('a FreeSWITCH server cannot be watched', { reason: String(error) })
      return () => {}
    }
    const server = this.#join(url)
    let silence = { clear: () => {} }
    let wasSilent = false
    const sayOnce = (): void => {
      if (!wasSilent) log.warn('no heartbeat of a FreeSWITCH server: its last one counts', { server: serverKey(url) })
      wasSilent = true
    }
    const holder: Holder = {
      events: ['HEARTBEAT'],
      onEvent: event => {
        if (event.name !== 'HEARTBEAT') return
        const state = stateOf(event)
        if (state === null) return
        silence.clear()
        silence = clock.after(this.#heartbeatMs * SILENT_INTERVALS, sayOnce)
        server.state = state
        onHeartbeat(state)
      },
    }
    const hold = this.#hold(server, holder)
    if (server.state !== null) onHeartbeat(server.state)
    return () => {
      silence.clear()
      hold.release()
    }
  }

  /** Closes every connection. */
  close(): void {
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }

  #join(url: FreeSwitchUrl): Server {
    const server = this.#find(url) ?? this.#open(url)
    server.learn(url)
    return server
  }

  #hold(server: Server, holder: Holder): FreeSwitchServer {
    server.holders.add(holder)
    server.settle()
    return {
      host: server.host,
      port: server.port,
      subscribe: events => {
        holder.events = events
        server.settle()
      },
      command: text => server.command(text),
      release: () => {
        if (!server.holders.delete(holder)) return
        if (server.holders.size > 0) server.settle()
        else this.#close(server)
      },
    }
  }

  #find(url: FreeSwitchUrl): Server | undefined {
    const exact = this.#servers.get(serverKey(url))
    if (exact !== undefined || url.password !== '') return exact
    const all = [...this.#servers.values()]
    const known = all.filter(({ host, address }) => host === url.host || address === url.host)
    return known.find(({ port }) => port === url.port) ?? (known.length === 1 ? known[0] : undefined)
  }

  #open(url: FreeSwitchUrl): Server {
    const server = new Server(url, this.#services)
    this.#servers.set(serverKey(server), server)
    return server
  }

  #close(server: Server): void {
    server.close()
    if (this.#servers.get(serverKey(server)) === server) this.#servers.delete(serverKey(server))
  }
}

/** Null where the heartbeat lacks one of the numbers. */
function stateOf(event: FreeSwitchEvent): FreeSwitchState | null {
  const [idleCpu, sessions, maxSessions] = ['Idle-CPU', 'Session-Count', 'Max-Sessions'].map(name =>
    event.get(name) === '' ? Number.NaN : Number(event.get(name)),
  )
  if (idleCpu === undefined || sessions === undefined || maxSessions === undefined) return null
  return [idleCpu, sessions, maxSessions].every(value => value >= 0 && Number.isFinite(value))
    ? { idleCpu, sessions, maxSessions }
    : null
}
