import { Client } from 'pg'
import { describe, inject, it, onTestFinished } from 'vitest'
import { servesRegistrar } from '../../conformance/database-server.ts'

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

/** What reads seconds since a date: 1 where they are few. */
const isRecent = (column: string): string => `(abs(EXTRACT(EPOCH FROM now()::timestamp - ${column})) < 60)::int`

async function connected(database: string): Promise<Client> {
  const client = new Client({ connectionString: `postgres://postgres@${address}/${database}` })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

describe.skipIf(address === null)('db_postgres', () => {
  it("serves a registrar, its users and its accounting on the tables of OpenSIPS, and tells of the server's absence", async () => {
    const database = `e2e_${process.pid}`
    await (await connected('postgres')).query(`CREATE DATABASE ${database}`)
    const admin = await connected(database)
    for (const statement of TABLES) await admin.query(statement)
    const rowsOf = async (text: string) => (await admin.query({ text, rowMode: 'array' })).rows
    await servesRegistrar({
      module: 'db_postgres',
      url: `postgres://postgres@${address}/${database}`,
      event: 'E_POSTGRES_CONNECTION',
      locations: () =>
        rowsOf(
          `SELECT username, ${isRecent('last_modified')}, (expires > EXTRACT(EPOCH FROM now()))::int FROM location`,
        ),
      records: () => rowsOf(`SELECT method, sip_code, sip_reason, ${isRecent('time')} FROM acc`),
      cut: async () => {
        await admin.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        )
      },
    })
  })
})
