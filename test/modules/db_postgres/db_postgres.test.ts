import { Client } from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import { credentialsFor } from '../../support/digest-client.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'

const address = inject('postgresAddress')

/** Tables as the scripts of OpenSIPS make them. */
const TABLES = [
  'CREATE TABLE version (table_name VARCHAR(32) NOT NULL, table_version INTEGER DEFAULT 0 NOT NULL, CONSTRAINT version_t_name_idx UNIQUE (table_name))',
  "INSERT INTO version VALUES ('subscriber', '8'), ('location', '1013'), ('acc', '7'), ('missed_calls', '5')",
  `CREATE TABLE subscriber (id SERIAL PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL,
    domain VARCHAR(64) DEFAULT '' NOT NULL, password VARCHAR(25) DEFAULT '' NOT NULL, ha1 VARCHAR(64) DEFAULT '' NOT NULL,
    ha1_sha256 VARCHAR(64) DEFAULT '' NOT NULL, ha1_sha512t256 VARCHAR(64) DEFAULT '' NOT NULL,
    CONSTRAINT subscriber_account_idx UNIQUE (username, domain))`,
  "INSERT INTO subscriber (username, domain, password) VALUES ('bob', '127.0.0.1', 'secret2')",
  `CREATE TABLE location (contact_id BIGSERIAL PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL,
    domain VARCHAR(64) DEFAULT NULL, contact TEXT NOT NULL, received VARCHAR(255) DEFAULT NULL, path VARCHAR(255) DEFAULT NULL,
    expires INTEGER NOT NULL, q REAL DEFAULT 1.0 NOT NULL, callid VARCHAR(255) DEFAULT 'Default-Call-ID' NOT NULL,
    cseq INTEGER DEFAULT 13 NOT NULL, last_modified TIMESTAMP DEFAULT '1900-01-01 00:00:01' NOT NULL, flags INTEGER DEFAULT 0 NOT NULL,
    cflags VARCHAR(255) DEFAULT NULL, user_agent VARCHAR(255) DEFAULT '' NOT NULL, socket VARCHAR(64) DEFAULT NULL, methods INTEGER DEFAULT NULL,
    sip_instance VARCHAR(255) DEFAULT NULL, kv_store TEXT DEFAULT NULL, attr VARCHAR(255) DEFAULT NULL)`,
  ...(['acc', 'missed_calls'] as const).map(
    name => `CREATE TABLE ${name} (id SERIAL PRIMARY KEY NOT NULL, method VARCHAR(16) DEFAULT '' NOT NULL,
    from_tag VARCHAR(64) DEFAULT '' NOT NULL, to_tag VARCHAR(64) DEFAULT '' NOT NULL, callid VARCHAR(64) DEFAULT '' NOT NULL,
    sip_code VARCHAR(3) DEFAULT '' NOT NULL, sip_reason VARCHAR(32) DEFAULT '' NOT NULL, time TIMESTAMP NOT NULL,
    ${name === 'acc' ? 'duration INTEGER DEFAULT 0 NOT NULL, ms_duration INTEGER DEFAULT 0 NOT NULL,' : ''}
    setuptime INTEGER DEFAULT 0 NOT NULL, created TIMESTAMP DEFAULT NULL)`,
  ),
]

const SCRIPT = (database: string) => `
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "db_postgres.so"
modparam("db_postgres", "exec_query_threshold", 60000)
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-sql-write-through")
modparam("usrloc|auth_db|acc", "db_url", "postgres://postgres@${address}/${database}")
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("auth_db", "calculate_ha1", 1)
modparam("auth_db", "password_column", "password")
loadmodule "acc.so"
loadmodule "sqlops.so"
modparam("sqlops", "db_url", "postgres://postgres@${address}/${database}")
route {
  if (is_method("REGISTER")) {
    if (!www_authorize("", "subscriber")) { www_challenge("", "auth"); exit; }
    save("location");
    exit;
  }
  if (!lookup("location")) {
    acc_db_request("404 Not Found", "acc");
    sql_query("select username from subscriber where username = '$(fU{s.escape.common})'", "$avp(found)");
    sl_send_reply(404, "no $avp(found)");
    exit;
  }
  t_relay();
}
`

describe.skipIf(address === null)('db_postgres', () => {
  it("serves a registrar, its users and its accounting on the tables of OpenSIPS, and tells of the server's absence", async () => {
    const database = `e2e_${process.pid}`
    const server = new Client({ connectionString: `postgres://postgres@${address}/postgres` })
    await server.connect()
    await server.query(`CREATE DATABASE ${database}`)
    await server.end()
    const admin = new Client({ connectionString: `postgres://postgres@${address}/${database}` })
    await admin.connect()
    onTestFinished(() => admin.end())
    const rowsOf = async (text: string) => (await admin.query({ text, rowMode: 'array' })).rows
    for (const statement of TABLES) await admin.query(statement)
    const started = await startProxy(SCRIPT(database))
    onTestFinished(() => started.stop())
    const events: string[] = []
    started.proxy.host.bus.tail((event, subscription) => {
      if (subscription === null) events.push(jsonRpc.encode(event).toString())
    })
    const phone = await SipUa.open('bob')
    const register = (cseq: number, headers = '') =>
      phone.send(phone.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', cseq, headers }), started.port)

    register(1)
    register(2, `Authorization: ${credentialsFor(await phone.nextReply(401))}\r\n`)
    await phone.nextReply(200)
    const stored = await rowsOf(
      'SELECT username, abs(EXTRACT(EPOCH FROM now()::timestamp - last_modified)) < 60, expires > EXTRACT(EPOCH FROM now()) FROM location',
    )
    expect(stored).toEqual([['bob', true, true]])

    phone.request('MESSAGE', started.port, { uri: 'sip:nobody@127.0.0.1' })
    expect((await phone.nextReply(404)).reason).toBe('no bob')
    let accounted: unknown
    const look = async () => {
      accounted = await rowsOf(
        'SELECT method, sip_code, sip_reason, abs(EXTRACT(EPOCH FROM now()::timestamp - time)) < 60 FROM acc',
      )
    }
    while (JSON.stringify(accounted) !== '[["MESSAGE","404","Not Found",true]]') await look()

    await admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
    phone.request('MESSAGE', started.port, { uri: 'sip:nobody@127.0.0.1' })
    await phone.nextReply(404)
    const told = (status: string): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        method: 'E_POSTGRES_CONNECTION',
        params: { url: `postgres://postgres@${address}/${database}`, status },
      })
    await until(
      () =>
        events.includes(told('disconnected')) &&
        events.lastIndexOf(told('connected')) > events.indexOf(told('disconnected')),
    )
  })
})
