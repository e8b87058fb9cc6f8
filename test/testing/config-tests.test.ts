import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fanfare } from '../cli/fanfare-process.ts'

const root = join(import.meta.dirname, '../..')
const FOLDERS = ['examples', 'test/testing/scenarios']

/** What `fanfare test --json` writes, as far as it is looked at here. */
interface Report {
  readonly tests: readonly {
    readonly file: string
    readonly title: string
    readonly outcome: string
    readonly failure?: object
  }[]
  readonly errors: readonly string[]
}

const { status, out, err } = await fanfare(['test', ...FOLDERS, '--json'], { cwd: root })
const { tests, errors }: Report = JSON.parse(out)

describe('the tests of our own configurations', () => {
  it('can all be read, and pass', () => {
    expect({ status, err, errors }).toEqual({ status: 0, err: '', errors: [] })
  })

  it.each(tests.map(test => [`${test.file}: ${test.title}`, test] as const))('%s', (_name, { outcome, failure }) => {
    expect({ outcome, failure }).toEqual({ outcome: 'passed', failure: undefined })
  })

  it('are there for every example', () => {
    const scripts = FOLDERS.flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter(name => name.endsWith('.cfg') && !/(common|base)\.cfg$/.test(name))
        .map(name => `${folder}/${name.replace(/\.cfg$/, '')}`),
    )
    const tested = tests.map(({ file }) => file.replace(/\.test(\.ts)?$/, ''))
    expect([...new Set(tested)].toSorted()).toEqual(scripts.toSorted())
  })
})
