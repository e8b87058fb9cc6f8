import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { describe, inject, it, onTestFinished } from 'vitest'
import { servesRegistrar } from '../../conformance/database-server.ts'

const address = inject('mariadbAddress')

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

describe.skipIf(address === null)('db_mysql', () => {
  it("serves a registrar, its users and its accounting on the tables of OpenSIPS, and tells of the server's absence", async () => {
    const database = `e2e_${process.pid}`
    const admin = await createConnection({ uri: `mysql://root@${address}`, rowsAsArray: true })
    onTestFinished(() => admin.end())
    for (const statement of [`CREATE DATABASE ${database}`, `USE ${database}`, ...TABLES]) await admin.query(statement)
    const rowsOf = async (text: string) => (await admin.query<RowDataPacket[][]>(text))[0]
    await servesRegistrar({
      module: 'db_mysql',
      url: `mysql://root@${address}/${database}`,
      event: 'E_MYSQL_CONNECTION',
      locations: () =>
        rowsOf(
          'SELECT username, UNIX_TIMESTAMP() - UNIX_TIMESTAMP(last_modified) < 60, expires > UNIX_TIMESTAMP() FROM location',
        ),
      records: () =>
        rowsOf('SELECT method, sip_code, sip_reason, ABS(UNIX_TIMESTAMP() - UNIX_TIMESTAMP(time)) < 60 FROM acc'),
      cut: async () => {
        const connections = await rowsOf(
          `SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '${database}' AND ID <> CONNECTION_ID()`,
        )
        for (const [id] of connections) await admin.query(`KILL ${id}`)
      },
    })
  })
})
