import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

/** Columns of the table as the schema of OpenSIPS has them, in their order. */
const FULL =
  'contact_id(bigint) username(string) domain(string,null) contact(string) received(string,null) path(string,null) ' +
  'expires(int) q(double) callid(string) cseq(int) last_modified(int) flags(int) cflags(string,null) ' +
  'user_agent(string) socket(string,null) methods(int,null) sip_instance(string,null) kv_store(string,null) attr(string,null)'

const SQLITE = `
CREATE TABLE version (table_name CHAR(32) NOT NULL, table_version INTEGER DEFAULT 0 NOT NULL);
INSERT INTO version VALUES ('location', 1013);
CREATE TABLE location (
  contact_id BIGINT PRIMARY KEY NOT NULL, username CHAR(64) DEFAULT '' NOT NULL, domain CHAR(64) DEFAULT NULL,
  contact TEXT NOT NULL, received CHAR(255) DEFAULT NULL, path CHAR(255) DEFAULT NULL, expires INTEGER NOT NULL,
  q FLOAT(10,2) DEFAULT 1.0 NOT NULL, callid CHAR(255) DEFAULT 'Default-Call-ID' NOT NULL,
  cseq INTEGER DEFAULT 13 NOT NULL, last_modified DATETIME DEFAULT '1900-01-01 00:00:01' NOT NULL,
  flags INTEGER DEFAULT 0 NOT NULL, cflags CHAR(255) DEFAULT NULL, user_agent CHAR(255) DEFAULT '' NOT NULL,
  socket CHAR(64) DEFAULT NULL, methods INTEGER DEFAULT NULL, sip_instance CHAR(255) DEFAULT NULL,
  kv_store TEXT(512) DEFAULT NULL, attr CHAR(255) DEFAULT NULL);`

/** A folder of databases that outlives the proxies that use it. */
export class Databases {
  readonly folder = mkdtempSync(join(tmpdir(), 'fanfare-location-'))
  readonly clock = new VirtualClock()

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** Makes the table as text, with the columns given, or as the schema has it. */
  text(columns = FULL, rows: readonly string[] = [], version = 'location:1013'): this {
    writeFileSync(join(this.folder, 'version'), `table_name(str) table_version(int)\n${version}\n`)
    writeFileSync(join(this.folder, 'location'), `${columns}\n${rows.map(row => `${row}\n`).join('')}`)
    return this
  }

  sqlite(): this {
    const database = new DatabaseSync(join(this.folder, 'db'))
    database.exec(SQLITE)
    database.close()
    return this
  }

  /** Rows of the table file, as they are written. */
  textRows(): readonly string[] {
    return readFileSync(join(this.folder, 'location'), 'utf8').trim().split('\n').slice(1)
  }

  get hasSqlite(): boolean {
    return existsSync(join(this.folder, 'db'))
  }

  /** Gives what a statement gives in the SQLite database. */
  sql(statement: string): readonly Record<string, unknown>[] {
    const database = new DatabaseSync(join(this.folder, 'db'))
    try {
      return database.prepare(statement).all()
    } finally {
      database.close()
    }
  }

  get url(): string {
    return this.hasSqlite ? `sqlite://${join(this.folder, 'db')}` : `text://${this.folder}`
  }
}

interface ProxyOptions {
  /** Lines of modparam and of settings. */
  readonly params?: string
  /** Statements for a REGISTER. */
  readonly register?: string
  /** Statements for other requests. */
  readonly others?: string
}

/** A registrar on a location table, with a phone, time of the test, and the events of usrloc. */
export interface StoringProxy extends ProxyUnderTest {
  readonly phone: SipUa
  mi(command: string, params?: unknown): Promise<unknown>
  stat(name: string): number | undefined
  /** Names of the events of usrloc since the last call. */
  events(): readonly string[]
  /** Registers contacts of an AoR and gives the final reply. */
  register(options?: {
    readonly aor?: string
    readonly contact?: string
    readonly cseq?: number
    readonly callId?: string
    readonly headers?: string
  }): Promise<SipMessage>
  /** Asks for the AoR with MESSAGE: gives the status of lookup(). */
  lookup(aor?: string): Promise<number>
}

const OTHERS =
  'if (lookup("location")) { append_to_reply("X-Found: $ru $du\\r\\n"); send_reply(200, "OK"); } else send_reply(404, "Not Found");'

/** Starts a registrar in a storage mode. It is stopped at the end of the test, or by `stop` before. */
export async function storingProxy(
  databases: Databases,
  mode: string,
  { params = '', register = 'save("location");', others = OTHERS }: ProxyOptions = {},
): Promise<StoringProxy> {
  const { clock } = databases
  const script = `
log_level=4
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "db_text.so"
loadmodule "db_sqlite.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "working_mode_preset", "${mode}")
modparam("usrloc", "db_url", "${databases.url}")
modparam("usrloc", "timer_interval", 10)
modparam("usrloc", "use_domain", 1)
${params}
route {
  if (is_method("REGISTER")) { ${register} exit; }
  ${others}
  exit;
}`
  const proxy = await startProxy(script, { clock })
  let isStopped = false
  const stop = async () => {
    if (isStopped) return
    isStopped = true
    await proxy.stop()
  }
  onTestFinished(stop)
  const phone = await SipUa.open('bob')
  const events: string[] = []
  proxy.proxy.host.bus.tail(event => {
    if (event.type.name.startsWith('E_UL_')) events.push(event.type.name)
  })
  return {
    ...proxy,
    stop,
    phone,
    mi: (command, given) => proxy.proxy.host.mi.call(command, given),
    stat: name => proxy.proxy.host.stats.find(name)?.read(),
    events: () => events.splice(0),
    register: async ({ aor = 'bob@127.0.0.1', contact, cseq = 1, callId = 'r1', headers = '' } = {}) => {
      const text = phone
        .makeRequest('REGISTER', { uri: 'sip:127.0.0.1', to: `sip:${aor}`, callId, cseq, headers })
        .replace(/^Contact: .*$/m, `Contact: ${contact ?? `<sip:bob@127.0.0.1:5072>`}`)
      const before = phone.received.length
      phone.send(text, proxy.port)
      return answer(phone, before)
    },
    lookup: async (aor = 'bob@127.0.0.1') => {
      const before = phone.received.length
      phone.request('MESSAGE', proxy.port, { uri: `sip:${aor}`, to: `sip:${aor}` })
      return (await answer(phone, before)).status
    },
  }
}

async function answer(phone: SipUa, before: number): Promise<SipMessage> {
  const patience = AbortSignal.timeout(10_000)
  for (;;) {
    const reply = phone.received.slice(before).find(({ status }) => status >= 200)
    if (reply !== undefined) return reply
    if (patience.aborted) throw new Error('no answer')
    await turn()
  }
}

/** Lets the event loop turn until `check` comes true. */
export async function until(check: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(10_000)
  while (!check()) {
    if (patience.aborted) throw new Error(`this did not come true: ${check}`)
    await turn()
  }
}
