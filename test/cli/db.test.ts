import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { startProxy } from '../support/running-proxy.ts'
import { CapturedIo } from './captured-io.ts'
import { testFolder } from './scripts.ts'

async function fanfareDb(...argv: string[]) {
  const io = new CapturedIo()
  const status = await main(['db', ...argv], io)
  return { status, out: io.out, err: io.err }
}

const ACC = (url: string) => `
loadmodule "tm.so"
loadmodule "db_sqlite.so"
loadmodule "db_text.so"
loadmodule "acc.so"
modparam("acc", "db_url", "${url}")
route { do_accounting("db"); t_relay(); }
`

describe.each([
  ['text', (folder: string) => `text://${folder}/tables`],
  ['sqlite', (folder: string) => `sqlite://${folder}/calls.db`],
])('fanfare db create in %s', (_, urlIn) => {
  it('makes every table that modules keep, each with its version, and changes nothing the second time', async () => {
    const url = urlIn(testFolder())
    const { status, out, err } = await fanfareDb('create', '--url', url)
    expect({ status, err }).toEqual({ status: 0, err: '' })
    for (const line of ['acc: made (version 7)', 'missed_calls: made (version 5)', 'dialog: made (version 12)'])
      expect(out).toContain(`${line}\n`)
    expect(out).toMatch(/^dispatcher: made \(version 9\)$/m)
    const again = await fanfareDb('create', '--url', url)
    expect(again.out).not.toContain('made')
    expect(again.out).toContain('acc: there already (version 7)\n')
    const check = await fanfareDb('check', '--url', url)
    expect(check.status).toBe(0)
    expect(check.out).toContain('dialog: as it should be (version 12)\n')
  })

  it('makes named tables only, under other names where asked', async () => {
    const url = urlIn(testFolder())
    const { out } = await fanfareDb('create', '--url', url, 'acc=calls', 'missed_calls')
    expect(out).toBe('calls: made (version 7)\nmissed_calls: made (version 5)\n')
    expect((await fanfareDb('check', '--url', url, 'acc')).status).toBe(1)
    expect((await fanfareDb('check', '--url', url, 'acc=calls')).status).toBe(0)
  })

  it('makes what lets the proxy start', async () => {
    const url = urlIn(testFolder())
    await fanfareDb('create', '--url', url, 'acc', 'missed_calls')
    const proxy = await startProxy(ACC(url))
    await proxy.stop()
    expect(proxy.log.join('')).not.toMatch(/WARN|ERROR/)
  })
})

describe('a table that is not as it was declared', () => {
  it('keeps the proxy from starting with an error that says what was expected, what is there, and the cure', async () => {
    const folder = testFolder()
    const url = `sqlite://${folder}/calls.db`
    await expect(startProxy(ACC(url))).rejects.toThrow(
      `there is no table acc in ${url}; to cure it, run: fanfare db create --url ${url} acc`,
    )
    await fanfareDb('create', '--url', url)
    const file = new DatabaseSync(join(folder, 'calls.db'))
    file.exec("UPDATE version SET table_version = 6 WHERE table_name = 'acc'")
    file.exec('ALTER TABLE acc DROP COLUMN recovered')
    file.close()
    await expect(startProxy(ACC(url))).rejects.toThrow(
      `table acc in ${url}: expected version 7 in table version, got 6; to cure it, run: fanfare db create --url ${url} acc`,
    )
    const { status, out } = await fanfareDb('check', '--url', url)
    expect(status).toBe(1)
    expect(out).toContain('acc: expected version 7, found 6; columns missing: recovered\n')
    expect((await fanfareDb('create', '--url', url, 'acc')).out).toBe('acc: completed (version 7)\n')
    await (await startProxy(ACC(url))).stop()
  })

  it('keeps its rows when it is completed', async () => {
    const folder = testFolder()
    const file = join(folder, 'missed_calls')
    const header = 'id(int,auto) method(string) from_tag(string) to_tag(string) callid(string) sip_code(string)'
    writeFileSync(file, `${header} sip_reason(string) time(time)\n1:INVITE:a:b:c:486:Busy:1800000000\n`)
    const { out } = await fanfareDb('create', '--url', `text://${folder}`, 'missed_calls')
    expect(out).toBe('missed_calls: completed (version 5)\n')
    expect(readFileSync(file, 'utf8')).toMatch(
      / setuptime\(int\) created\(time,null\)\n1:INVITE:a:b:c:486:Busy:1800000000:0:\n/,
    )
    expect(readFileSync(join(folder, 'version'), 'utf8')).toContain('missed_calls:5')
  })

  it('that is newer is left alone', async () => {
    const folder = testFolder()
    const url = `sqlite://${folder}/calls.db`
    await fanfareDb('create', '--url', url, 'acc')
    const file = new DatabaseSync(join(folder, 'calls.db'))
    file.exec('UPDATE version SET table_version = 9')
    file.close()
    const { status, err } = await fanfareDb('create', '--url', url, 'acc')
    expect({ status, err }).toEqual({
      status: 1,
      err: 'table acc: expected version 7, got 9, which is newer: it is left as it is\n',
    })
  })
})

describe('a misuse of fanfare db', () => {
  it('is said with what was expected', async () => {
    expect((await fanfareDb('make')).err).toContain('expected "db create" or "db check"')
    expect((await fanfareDb('create')).err).toContain('db needs --url')
    expect((await fanfareDb('create', '--url', 'sqlite://x', 'mised_calls')).err).toContain(
      'did you mean "missed_calls"',
    )
    const nowhere = await fanfareDb('check', '--url', 'oracle://localhost/x')
    expect(nowhere.status).toBe(1)
    expect(nowhere.err).toContain('no loaded module serves oracle://')
  })

  it('makes no folder when it only checks', async () => {
    const folder = testFolder()
    expect((await fanfareDb('check', '--url', `text://${folder}/no`)).status).toBe(1)
    expect(existsSync(join(folder, 'no'))).toBe(false)
  })
})
