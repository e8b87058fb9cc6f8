import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { column, nullableColumn } from '../../src/db/schema.ts'
import { checkFile, modules } from '../../src/main.ts'
import type { ModuleSpec } from '../../src/module/define.ts'
import { freePort } from '../support/ports.ts'
import { startProxy } from '../support/running-proxy.ts'
import { SipUa } from '../support/sip-ua.ts'
import { sqliteTables } from '../support/sqlite-tables.ts'
import { TEST_CERTIFICATE, TEST_KEY } from '../support/test-certificate.ts'

/*
 * Scripts as users of OpenSIPS have them, in the spellings of 2.4 to 4.0: those the configuration generator makes, a trunk, a
 * load balancer, a border controller, event-driven ones, and two that call about every function there is.
 */

const SCRIPTS = join(import.meta.dirname, '../fixtures/scripts')
const names = readdirSync(SCRIPTS).map(file => file.replace('.cfg', ''))

/** The first request to each that starts here, and the answer its script gives. The others call what is not there. */
const STARTED: readonly (readonly [name: string, method: string, status: number])[] = [
  ['residential-2.4', 'REGISTER', 401],
  ['residential-3.1', 'REGISTER', 401],
  ['residential-4.0', 'REGISTER', 401],
  ['load-balancer-2.4', 'MESSAGE', 405],
  ['border-controller-4.0', 'OPTIONS', 200],
  ['trunking-3.4', 'MESSAGE', 403],
  ['events-2.4', 'REGISTER', 200],
  ['events-4.0', 'MESSAGE', 405],
]

const folder = mkdtempSync(join(tmpdir(), 'fanfare-test-'))

/** Columns that the scripts add to tables. */
const ADDED: Readonly<Record<string, readonly string[]>> = {
  subscriber: ['rpid', 'email_address'],
  acc: ['from_uri', 'to_uri', 'src_ip', 'src_leg', 'dst_leg', 'dst_ip', 'carrier', 'trunk_id'],
  missed_calls: ['from_uri', 'to_uri', 'src_ip', 'src_leg', 'dst_leg', 'dst_ip', 'carrier', 'trunk_id'],
}

beforeAll(async () => {
  writeFileSync(join(folder, 'cert.pem'), TEST_CERTIFICATE)
  writeFileSync(join(folder, 'key.pem'), TEST_KEY)
  const specs = modules.flatMap(({ spec }) => (spec as ModuleSpec).tables ?? [])
  const dispatcher = specs.find(({ name }) => name === 'dispatcher')!
  const tables = [...specs, { ...dispatcher, name: 'ds_media' }].map(spec => ({
    ...spec,
    columns: {
      ...spec.columns,
      ...Object.fromEntries((ADDED[spec.name] ?? []).map(name => [name, nullableColumn('str')])),
    },
  }))
  const dids = { name: 'dids', version: 1, columns: { did: column('str'), dest: column('str') } }
  await sqliteTables(
    folder,
    [...tables, dids].map(spec => [spec, spec.name === 'domain' ? [{ domain: '127.0.0.1' }] : []]),
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The script with its files in the folder, and with doors and nodes at ports of this run. */
async function script(name: string): Promise<string> {
  const [http, datagram, bin] = [await freePort(), await freePort(), await freePort()]
  return readFileSync(join(SCRIPTS, `${name}.cfg`), 'utf8')
    .replaceAll('@DIR@', folder)
    .replaceAll('"port", 8888', `"port", ${http}`)
    .replaceAll('udp:127.0.0.1:8080', `udp:127.0.0.1:${datagram}`)
    .replaceAll('127.0.0.1:5566', `127.0.0.1:${bin}`)
}

describe('a script of OpenSIPS', () => {
  it.each(names)('%s has no errors', async name => {
    const file = join(folder, `${name}.cfg`)
    writeFileSync(file, await script(name))
    const { errors, text } = await checkFile({ file })
    expect(errors, text).toBe(0)
  })

  it.each(STARTED)('%s starts, and answers %s by %i', async (name, method, status) => {
    const started = await startProxy(await script(name), { inPlaceOf: { port: await freePort(), folder } })
    try {
      const phone = await SipUa.open('alice')
      phone.request(method, started.port, { uri: 'sip:127.0.0.1' })
      await phone.nextReply(status)
    } finally {
      await started.proxy.stop(AbortSignal.abort())
    }
  })
})
