import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Databases } from '../../src/db/databases.ts'
import { TextDriver } from '../../src/db/text/text-driver.ts'
import type { RoutingData } from '../../src/modules/drouting/routing-data.ts'
import { loadPartition, type SourceParts } from '../../src/modules/drouting/table-source.ts'
import { CARRIERS_TABLE, GATEWAYS_TABLE, RULES_TABLE } from '../../src/modules/drouting/tables.ts'
import { recordingLog } from '../sip/net/peers.ts'
import { tableFile } from '../support/table-files.ts'
import { atMost, type Bench, figure, msOf, nsPerCall } from './measure.ts'

const MANY = 100_000
const FEW = 100

/** Prefixes of five to nine digits, the same in each run. */
function prefix(i: number): string {
  const digits = BigInt(`0x${createHash('sha1').update(String(i)).digest('hex').slice(0, 12)}`).toString()
  return digits.slice(0, 5 + (i % 5))
}

async function loaded(count: number): Promise<{ readonly data: RoutingData; readonly ms: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-bench-'))
  const rows = Array.from({ length: count }, (_, i) => ({ groupid: '0', prefix: prefix(i), gwlist: 'g1,g2' }))
  const gateways = ['g1', 'g2'].map(gwid => ({ gwid, address: '10.0.0.1' }))
  writeFileSync(join(folder, 'dr_gateways'), tableFile(GATEWAYS_TABLE, gateways))
  writeFileSync(join(folder, 'dr_carriers'), tableFile(CARRIERS_TABLE, []))
  writeFileSync(join(folder, 'dr_rules'), tableFile(RULES_TABLE, rows))
  const log = recordingLog()
  const databases = new Databases({ log, directory: folder, versionTable: 'version' })
  databases.register(new TextDriver({ followsFiles: false }))
  const params = { extra_prefix_chars: '', extra_id_chars: '_-.' } as SourceParts['params']
  const tables = { gateways: 'dr_gateways', carriers: 'dr_carriers', rules: 'dr_rules', groups: 'dr_groups' }
  const settings = { name: 'Default', url: `text://${folder}`, tables, avps: {} as never }
  const script = { route: () => undefined } as unknown as SourceParts['script']
  globalThis.gc?.()
  let data: RoutingData | null = null
  const ms = await msOf(async () => {
    data = (await loadPartition({ databases, params, script, log }, settings)).data
  })
  await databases.close(['text'])
  rmSync(folder, { recursive: true })
  if (data === null) throw new Error('nothing was loaded')
  return { data, ms }
}

function lookupNs(data: RoutingData, count: number): number {
  const numbers = Array.from({ length: 1000 }, (_, i) => `${prefix(i % count)}1234`)
  let at = 0
  return nsPerCall(() => {
    at = (at + 1) % numbers.length
    data.rulesFor({ group: 0, number: numbers[at] ?? '', timeMs: 0, isStrict: false }).next()
  }, 100_000)
}

/** A large table of routes loads fast, and a lookup hardly costs more in it than in a small one. */
export const bench: Bench = async () => {
  const few = await loaded(FEW)
  const many = await loaded(MANY)
  const inFew = lookupNs(few.data, FEW)
  const inMany = lookupNs(many.data, MANY)
  return [
    figure(`drouting: load ${MANY} prefixes from a table file`, `${many.ms.toFixed(0)} ms`),
    atMost(
      `drouting: find a rule among ${MANY} prefixes`,
      `${inMany.toFixed(0)} ns`,
      `${inFew.toFixed(0)} ns among ${FEW}`,
      inMany / inFew,
      4,
    ),
  ]
}
