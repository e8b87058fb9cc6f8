import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { tableFolder } from '../../support/table-files.ts'
import { until } from '../../support/until.ts'
import { sqlProxy } from './sql-proxy.ts'

const sql = (route: string, top = '') => sqlProxy('sqlops', route, top)

describe('sql_query', () => {
  it('gives each column as a list, the first row at index 0, NULL as <null>', async () => {
    const { run } = await sql(`sql_query("SELECT name, age, note FROM people ORDER BY age", "$avp(n);$avp(a);$avp(x)");
      $var(r) = "$rc $(avp(n)[*]) | $(avp(a)[*]) | $(avp(x)[*]) $(avp(n)[0])";`)
    expect(await run()).toBe('1 alice, bob, carol | 30, 40, 5000000000 | <null>, n, x alice')
  })

  it('variables may be left out: $avp(1), $avp(2) …', async () => {
    const { run } = await sql(
      'sql_query("SELECT name, height FROM people WHERE age < 35"); $var(r) = "$avp(1) $avp(2)";',
    )
    expect(await run()).toBe('alice 1.7')
  })

  it('numbers are numbers, long ones texts where that is wanted', async () => {
    const route = `sql_query("SELECT age FROM people WHERE name IN ('alice','carol') ORDER BY age", "$avp(a)");
      if ($avp(a) > 29) $var(r) = "int"; $var(b) = $(avp(a)[1]); $var(b) = $var(b) + 1; $var(r) = $var(r) + " $var(b)";`
    expect(await (await sql(route, 'modparam("sqlops", "bigint_to_str", 1)')).run()).toBe('int 50000000001')
  })

  it('−2 where nothing is found, 1 where nothing was asked for, −1 where the database refuses', async () => {
    const { run, rows } = await sql(`sql_query("SELECT name FROM people WHERE name = '$rU'", "$avp(n)"); $var(a) = $rc;
      sql_query("INSERT INTO people (name) VALUES ('$rU')"); $var(b) = $rc;
      sql_query("SELECT nothing FROM nowhere", "$avp(n)"); $var(r) = "$var(a) $var(b) $rc $avp(n)";`)
    expect(await run({ uri: 'sip:dave@127.0.0.1' })).toBe('-2 1 -1 <null>')
    expect(rows("SELECT count(*) FROM people WHERE name = 'dave'")).toEqual([[1]])
  })

  it('a query without end is cut off, and a second statement is not run', async () => {
    const { run, rows } = await sql(`
      sql_query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", "$avp(n)"); $var(a) = $rc;
      sql_query("SELECT 1; DROP TABLE people"); $var(r) = "$var(a)";`)
    expect(await run()).toBe('-1')
    expect(rows('SELECT count(*) FROM people')).toEqual([[3]])
  })

  it('sql_query_one gives the first row to variables of any kind, NULL as NULL', async () => {
    const { run } = await sql(`$var(x) = "old";
      sql_query_one("SELECT age, note FROM people ORDER BY age", "$var(a);$var(x)");
      $var(b) = $var(a) + 1; if ($var(x) == NULL) $var(r) = "$rc $var(b)";`)
    expect(await run()).toMatch(/^\S+ 31$/)
  })

  it('async() and launch()', async () => {
    const { phone, port, told } = await sql(
      `launch(sql_query("INSERT INTO people (name) VALUES ('l')"), rep);
       $var(keep) = "kept"; async(sql_query("SELECT name FROM people WHERE age = 40", "$avp(n)"), resume);`,
      `route[resume] { xlog("«$rc $avp(n) $var(keep)»\\n"); t_reply(299, "x"); }
       route[rep] { xlog("«launched $rc»\\n"); }`,
    )
    phone.request('MESSAGE', port)
    await phone.nextReply(299)
    await until(() => told().includes('1 bob kept') && told().includes('launched 1'))
  })

  it('async() gives up after its time; what the database gives later reaches no variable', async () => {
    const insert = "INSERT INTO people (name) VALUES ('dave') RETURNING name"
    const { clock, file, host, phone, port, rows, told } = await sql(
      `$avp(n) = "mine"; async(sql_query("${insert}", "$avp(n)"), resume, 2);`,
      'loadmodule "cfgutils.so"\nmodparam("db_sqlite", "busy_timeout", 60000)\nroute[resume] { xlog("«$rc $avp(n)»\\n"); sleep(60); xlog("«then $avp(n)»\\n"); t_reply(299, "x"); }',
    )
    const other = new DatabaseSync(file)
    onTestFinished(() => other.close())
    other.exec('BEGIN IMMEDIATE')
    phone.request('MESSAGE', port)
    await until(() => host.stats.find('tm:inuse_transactions')?.read() === 1)
    await clock.advance(2000)
    await until(() => told().length === 1)
    other.exec('COMMIT')
    await until(() => rows("SELECT * FROM people WHERE name = 'dave'").length === 1)
    await clock.advance(60_000)
    await phone.nextReply(299)
    expect(told()).toEqual(['-1 mine', 'then mine'])
  })

  it('further databases have numbers', async () => {
    const { run } = await sql(
      `sql_query("SELECT 1 AS one", "$avp(a)", 7); $var(a) = "$rc $avp(a)"; sql_query("SELECT 1", "$avp(b)", 8); $var(r) = "$var(a) $rc";`,
      'modparam("sqlops", "db_url", "7 sqlite://@DIR@/other.db")\nmodparam("sqlops", "db_url", "8 sqlite://@DIR@/third.db")',
    )
    expect(await run()).toBe('1 1 1')
  })

  it('a database that takes no SQL is refused at the start, and says what to do', async () => {
    const { folder } = tableFolder()
    const top = `loadmodule "db_text.so"\nloadmodule "sqlops.so"\nmodparam("sqlops", "db_url", "text://${folder}")`
    await expect(scriptProxy({ top, route: 'sql_query("SELECT 1");' })).rejects.toThrow(
      'takes no SQL: use a database that does, such as sqlite://',
    )
  })
})

describe('sql_select, sql_update, sql_insert, sql_replace, sql_delete', () => {
  it('read by columns, filter and order', async () => {
    const { run } = await sql(`
      sql_select("[\\"name\\"]", "people", "[{\\"age\\":{\\">\\":30}},{\\"name\\":{\\"!=\\":\\"dave\\"}}]", "height", "$avp(n)");
      sql_select_one(, "people", "[{\\"note\\":null}]", , "$var(a);$var(b)"); $var(c) = $rc;
      sql_select("[\\"name\\"]", "people", "[{\\"name\\":\\"nobody\\"}]", , "$avp(m)");
      $var(r) = "$(avp(n)[*]) $var(a) $var(b) $var(c) $rc";`)
    expect(await run()).toBe('carol, bob alice 30 1 -2')
  })

  it('write', async () => {
    const { run, rows } = await sql(`
      sql_insert("people", "[{\\"name\\":\\"dave\\"},{\\"age\\":1}]"); sql_update("[{\\"age\\":2}]", "people", "[{\\"name\\":\\"dave\\"}]");
      sql_replace("people", "[{\\"name\\":\\"bob\\"},{\\"age\\":3}]"); sql_delete("people", "[{\\"name\\":\\"alice\\"}]"); $var(r) = $rc;`)
    expect(await run()).toBe('1')
    expect(rows('SELECT name, age, height FROM people ORDER BY name')).toEqual([
      ['bob', 3, null],
      ['carol', 5_000_000_000, 1.6],
      ['dave', 2, null],
    ])
  })

  it.each([
    'sql_select("name", "people")',
    'sql_select(, "people; DROP TABLE people")',
    'sql_select("[\\"none\\"]", "people")',
    'sql_select(, "people", "[{\\"age\\":{\\"~\\":1}}]")',
    'sql_insert("people", "[]")',
    'sql_update("[{\\"age\\":[1]}]", "people")',
    'sql_delete("people", "[{\\"age\\":{\\"!=\\":1}}]")',
    'sql_delete("nowhere")',
  ])('−1, with a line in the log, and nothing is changed: %s', async call => {
    const { run, rows, logged } = await sql(`${call}; $var(r) = $rc;`)
    expect(await run()).toBe('-1')
    expect(logged('a database has not done what the script asked')).toBe(1)
    expect(rows('SELECT count(*) FROM people')).toEqual([[3]])
  })

  it('tables of db_text are read and written as well', async () => {
    const { folder, write } = tableFolder()
    write('people', 'name(string) age(int,null)\nalice:30\nbob:40\n')
    const { ask, told } = await scriptProxy({
      top: `loadmodule "db_text.so"\nloadmodule "sqlops.so"\nmodparam("sqlops", "db_url", "text://${folder}")`,
      route: `sql_insert("people", "[{\\"name\\":\\"carol\\"},{\\"age\\":50}]");
        sql_select("[\\"name\\"]", "people", "[{\\"age\\":{\\">=\\":40}}]", , "$avp(n)"); xlog("«$(avp(n)[*])»\\n"); sl_send_reply(299, "x");`,
    })
    await ask()
    expect(told()).toEqual(['bob, carol'])
  })
})

describe('sql_avp_store, sql_avp_load, sql_avp_delete', () => {
  it('keep the values of a user, texts and numbers, in their order', async () => {
    const { run, rows } = await sql(`
      $avp(fwd) = "one"; $avp(fwd) = "two"; $avp(n) = 5;
      sql_avp_store("$ru/username", "$avp(fwd)"); sql_avp_store("$ru/username", "$avp(n)"); sql_avp_store("some-id/uuid", "$avp(n)");
      $avp(fwd) := NULL; $avp(n) := NULL;
      sql_avp_load("$ru/username", "a", , "p_"); $var(a) = $rc; if ($avp(p_n) > 4) $var(b) = "int";
      sql_avp_delete("$ru/username", "$avp(fwd)"); sql_avp_load("$ru/username", "$avp(fwd)"); $var(c) = $rc;
      sql_avp_load("some-id", "$avp(n)"); $var(r) = "$var(a) $(avp(p_fwd)[*]) $var(b) $var(c) $avp(n)";`)
    expect(await run({ uri: 'sip:bob@example.com' })).toBe('1 two, one int -1 5')
    expect(
      rows('SELECT uuid, username, domain, attribute, type, value FROM usr_preferences ORDER BY username'),
    ).toEqual([
      ['some-id', '', '', 'n', 0, '5'],
      ['', 'bob', '', 'n', 0, '5'],
    ])
  })

  it('with use_domain a URI is the user of its domain', async () => {
    const { run, rows } = await sql(
      '$avp(x) = "v"; sql_avp_store("$ru", "$avp(x)"); sql_avp_load("$fu/uri", "$avp(x)"); $var(r) = $rc;',
      'modparam("sqlops", "use_domain", 1)',
    )
    expect(await run({ uri: 'sip:bob@example.com' })).toBe('-1')
    expect(rows('SELECT username, domain FROM usr_preferences')).toEqual([['bob', 'example.com']])
  })
})

describe('a script that waits for a database', () => {
  it('finds variables, AVPs and edits as they were', async () => {
    const { run } = await sql(`$var(v) = "mine"; $avp(a) = "one"; $ru = "sip:x@y.com";
      if (sql_query("SELECT 1", "$avp(o)")) { while (sql_query("SELECT 2", "$avp(o)")) { break; } }
      $var(r) = "$var(v) $avp(a) $rU $(avp(o)[*])";`)
    expect(await run()).toBe('mine one x 2, 1')
  })
})
