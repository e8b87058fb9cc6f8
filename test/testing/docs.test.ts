import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PHONE_VERBS } from '../../src/testing/text/phone-line.ts'
import { STEP_WORDS } from '../../src/testing/text/step-line.ts'
import { folderWith, runIn } from './tests-of.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')

describe('docs/testing.md', () => {
  it('begins with a test that passes', async () => {
    const example = /```\n(phone alice\n[\s\S]*?)```/.exec(page)?.[1] ?? ''
    const script = readFileSync(join(root, 'examples/quickstart.cfg'), 'utf8')
    const { out } = await runIn(
      folderWith({ 'quickstart.cfg': script, 'quickstart.test': example }),
      '@/quickstart.cfg',
    )
    expect(out).toMatch(/^@\/quickstart\.test\n {2}ok {4}a call rings, is answered and ends\n/)
  })

  it('names every word a step begins with, and everything a phone does', () => {
    for (const word of STEP_WORDS) expect(page).toMatch(new RegExp(`\`${word} `))
    for (const verb of Object.keys(PHONE_VERBS)) expect(page).toMatch(new RegExp(`\`(alice|bob) ${verb}\\b`))
  })
})
