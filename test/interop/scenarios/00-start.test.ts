import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { B2, B4, FORKING_ROUTE } from './base-scripts.ts'
import { startScenario } from './rig.ts'

const FANFARE = fileURLToPath(new URL('../../../bin/fanfare.js', import.meta.url))

const BASES = [
  ['4.x', B4],
  ['2.x', B2],
  ['2.x, with the defaults of its time', `era = 2.4\n${B2}`],
] as const

describe('the scripts every scenario begins with', () => {
  it.each(BASES)('%s: starts, serves and says nothing of an error', async (_, base) => {
    const scenario = await startScenario(base + FORKING_ROUTE)
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', scenario.port)
    expect((await alice.nextReply(404)).reason).toBe('Not Found')
    expect(scenario.log.filter(line => /error:|ERROR:/.test(line))).toEqual([])
  })

  it.each(BASES.slice(0, 2))('%s: passes a check without opening anything', async (_, base) => {
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'checked.cfg')
    writeFileSync(file, (base + FORKING_ROUTE).replaceAll('@PORT@', '1').replaceAll('@MI@', '2'))
    const { stdout } = await promisify(execFile)(process.execPath, [FANFARE, 'check', file])
    expect(stdout).toContain('no errors')
  })
})
