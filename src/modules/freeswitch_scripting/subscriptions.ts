import type { Databases } from '../../db/databases.ts'
import { autoColumn, column, nullableColumn } from '../../db/schema.ts'
import type { Log } from '../../log/log.ts'
import type { ModuleApis } from '../../module/define.ts'

/** The table of servers and events (freeswitch_scripting reference). */
export const FREESWITCH_TABLE = {
  name: 'freeswitch',
  version: 1,
  columns: {
    id: autoColumn,
    username: nullableColumn('str'),
    password: column('str'),
    ip: column('str'),
    port: column('int', 8021),
    events_csv: nullableColumn('str'),
  },
} as const

type Api = ModuleApis['freeswitch']
type Server = ReturnType<Api['hold']>
type OnEvent = Parameters<Api['hold']>[1]

interface Subscribed {
  readonly server: Server
  events: readonly string[]
}

/** The servers whose events scripts are told of. */
export class Subscriptions {
  readonly #api: Api
  readonly #onEvent: OnEvent
  #servers: readonly Subscribed[] = []

  constructor(api: Api, onEvent: OnEvent) {
    this.#api = api
    this.#onEvent = onEvent
  }

  list(): readonly { readonly ip: string; readonly port: number; readonly Events: readonly string[] }[] {
    return this.#servers.map(({ server, events }) => ({ ip: server.host, port: server.port, Events: events }))
  }

  /** Adds events to those of a server, which is added if it is not there. Throws an Error where the URL cannot be read. */
  add(url: string, events: readonly string[] = []): void {
    const more = [...this.#api.parse(url).events, ...this.#api.parseEvents(events)]
    const server = this.#api.hold(url, this.#onEvent)
    const known = this.#find(server)
    if (known === undefined) {
      const added = { server, events: [...new Set(more)] }
      this.#servers = [...this.#servers, added]
      server.subscribe(added.events)
      return
    }
    known.events = [...new Set([...known.events, ...more])]
    known.server.subscribe(known.events)
    server.release()
  }

  /** Takes events from those of a server, which goes with the last. False: the server is not there. Throws as `add`. */
  remove(url: string, events: readonly string[]): boolean {
    const ended = new Set([...this.#api.parse(url).events, ...this.#api.parseEvents(events)])
    const server = this.#api.hold(url, () => {})
    const known = this.#find(server)
    server.release()
    if (known === undefined) return false
    known.events = known.events.filter(name => !ended.has(name))
    known.server.subscribe(known.events)
    if (known.events.length === 0) this.#drop(known)
    return true
  }

  /** Puts these in the place of all there are; a connection that both have stays open. */
  replace(urls: readonly string[]): void {
    const before = this.#servers
    this.#servers = []
    for (const url of urls) this.add(url)
    for (const { server } of before) server.release()
  }

  #find({ host, port }: Server): Subscribed | undefined {
    return this.#servers.find(({ server }) => server.host === host && server.port === port)
  }

  #drop(gone: Subscribed): void {
    this.#servers = this.#servers.filter(one => one !== gone)
    gone.server.release()
  }
}

interface TableSource {
  readonly databases: Databases
  readonly url: string
  readonly table: string
  readonly columns: Readonly<Record<'username' | 'password' | 'ip' | 'port' | 'events_csv', string>>
}

/** The URLs of the rows that can be used; the others are logged. Rejects where the table cannot be read. */
export async function loadUrls(source: TableSource, api: Api, log: Log): Promise<readonly string[]> {
  const database = await source.databases.open(source.url)
  const table = await database.table(FREESWITCH_TABLE, { table: source.table, columns: source.columns })
  const rows = await table.select()
  return rows.flatMap(({ id, username, password, ip, port, events_csv: events }) => {
    const host = ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip
    const url = `fs://${username ?? ''}:${password}@${host}:${port}?${events ?? ''}`
    try {
      api.parse(url)
      return [url]
    } catch {
      log.error('a FreeSWITCH server of the table is left out: it cannot be used', { id, ip, port, events })
      return []
    }
  })
}
