import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import { credentialsFor } from '../../support/digest-client.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'

const address = inject('mariadbAddress')
const [host = '', port = '0'] = (address ?? '').split(':')

/** Tables as the scripts of OpenSIPS make them. */
const TABLES = [
  'CREATE TABLE version (table_name CHAR(32) NOT NULL, table_version INT UNSIGNED DEFAULT 0 NOT NULL, CONSTRAINT t_name_idx UNIQUE (table_name))',
  "INSERT INTO version VALUES ('subscriber', '8'), ('location', '1013'), ('acc', '7'), ('missed_calls', '5')",
  `CREATE TABLE subscriber (id INT(10) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL, username CHAR(64) DEFAULT '' NOT NULL,
    domain CHAR(64) DEFAULT '' NOT NULL, password CHAR(25) DEFAULT '' NOT NULL, ha1 CHAR(64) DEFAULT '' NOT NULL,
    ha1_sha256 CHAR(64) DEFAULT '' NOT NULL, ha1_sha512t256 CHAR(64) DEFAULT '' NOT NULL,
    CONSTRAINT account_idx UNIQUE (username, domain)) ENGINE=InnoDB`,
  "INSERT INTO subscriber (username, domain, password) VALUES ('bob', '127.0.0.1', 'secret2')",
  `CREATE TABLE location (contact_id BIGINT(10) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL, username CHAR(64) DEFAULT '' NOT NULL,
    domain CHAR(64) DEFAULT NULL, contact TEXT NOT NULL, received CHAR(255) DEFAULT NULL, path CHAR(255) DEFAULT NULL,
    expires INT(10) UNSIGNED NOT NULL, q FLOAT(10,2) DEFAULT 1.0 NOT NULL, callid CHAR(255) DEFAULT 'Default-Call-ID' NOT NULL,
    cseq INT(11) DEFAULT 13 NOT NULL, last_modified DATETIME DEFAULT '1900-01-01 00:00:01' NOT NULL, flags INT(11) DEFAULT 0 NOT NULL,
    cflags CHAR(255) DEFAULT NULL, user_agent CHAR(255) DEFAULT '' NOT NULL, socket CHAR(64) DEFAULT NULL, methods INT(11) DEFAULT NULL,
    sip_instance CHAR(255) DEFAULT NULL, kv_store TEXT(512) DEFAULT NULL, attr CHAR(255) DEFAULT NULL) ENGINE=InnoDB`,
  ...(['acc', 'missed_calls'] as const).map(
    name => `CREATE TABLE ${name} (id INT(10) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL, method CHAR(16) DEFAULT '' NOT NULL,
    from_tag CHAR(64) DEFAULT '' NOT NULL, to_tag CHAR(64) DEFAULT '' NOT NULL, callid CHAR(64) DEFAULT '' NOT NULL,
    sip_code CHAR(3) DEFAULT '' NOT NULL, sip_reason CHAR(32) DEFAULT '' NOT NULL, time DATETIME NOT NULL,
    ${name === 'acc' ? 'duration INT(11) UNSIGNED DEFAULT 0 NOT NULL, ms_duration INT(11) UNSIGNED DEFAULT 0 NOT NULL,' : ''}
    setuptime INT(11) UNSIGNED DEFAULT 0 NOT NULL, created DATETIME DEFAULT NULL) ENGINE=InnoDB`,
  ),
]

const SCRIPT = (database: string) => `
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "db_mysql.so"
modparam("db_mysql", "exec_query_threshold", 60000)
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-sql-write-through")
modparam("usrloc|auth_db|acc", "db_url", "mysql://root@${address}/${database}")
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("auth_db", "calculate_ha1", 1)
modparam("auth_db", "password_column", "password")
loadmodule "acc.so"
loadmodule "sqlops.so"
modparam("sqlops", "db_url", "mysql://root@${address}/${database}")
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

describe.skipIf(address === null)('db_mysql', () => {
  it("serves a registrar, its users and its accounting on the tables of OpenSIPS, and tells of the server's absence", async () => {
    const database = `e2e_${process.pid}`
    const admin = await createConnection({ host, port: Number(port), user: 'root', rowsAsArray: true })
    onTestFinished(() => admin.end())
    for (const statement of [`CREATE DATABASE ${database}`, `USE ${database}`, ...TABLES]) await admin.query(statement)
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
    const [stored] = await admin.query(
      'SELECT username, UNIX_TIMESTAMP() - UNIX_TIMESTAMP(last_modified) < 60, expires > UNIX_TIMESTAMP() FROM location',
    )
    expect(stored).toEqual([['bob', 1, 1]])

    phone.request('MESSAGE', started.port, { uri: 'sip:nobody@127.0.0.1' })
    expect((await phone.nextReply(404)).reason).toBe('no bob')
    let accounted: unknown
    const look = async () => {
      const [rows] = await admin.query(
        'SELECT method, sip_code, sip_reason, ABS(UNIX_TIMESTAMP() - UNIX_TIMESTAMP(time)) < 60 FROM acc',
      )
      accounted = rows
    }
    while (JSON.stringify(accounted) !== '[["MESSAGE","404","Not Found",1]]') await look()

    const [connections] = await admin.query<RowDataPacket[][]>(
      `SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '${database}' AND ID <> CONNECTION_ID()`,
    )
    for (const [id] of connections) await admin.query(`KILL ${id}`)
    phone.request('MESSAGE', started.port, { uri: 'sip:nobody@127.0.0.1' })
    await phone.nextReply(404)
    const told = (status: string): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        method: 'E_MYSQL_CONNECTION',
        params: { url: `mysql://root@${address}/${database}`, status },
      })
    await until(
      () =>
        events.includes(told('disconnected')) &&
        events.lastIndexOf(told('connected')) > events.indexOf(told('disconnected')),
    )
  })
})
