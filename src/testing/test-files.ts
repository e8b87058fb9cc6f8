import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { collectScenarios } from './collecting.ts'
import { TestSetupError } from './failure.ts'
import type { TestCase } from './test-case.ts'
import { parseTestFile } from './text/parse-file.ts'

/** Tests as programs; everything else that ends in `.test` is text. */
const PROGRAM = /\.test\.[cm]?[jt]s$/
const TEXT = /\.test$/
const NOT_LOOKED_INTO: ReadonlySet<string> = new Set(['node_modules', 'dist'])
const API = 'fanfare/test'

/**
 * The files of tests that a path stands for, sorted: a file of tests itself, those beside a configuration (`NAME.test`,
 * `NAME.test.ts` of `NAME.cfg`), all below a folder. Throws TestSetupError where there are none.
 */
export function findTestFiles(path: string): readonly string[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new TestSetupError(`${path}: there is no such file`)
  if (stats.isDirectory()) return foundOr(below(path), `${path}: no file below it ends in .test or .test.ts`)
  if (extname(path) !== '.cfg') return [resolve(path)]
  const stem = path.slice(0, -'.cfg'.length)
  const beside = ['.test', '.test.ts', '.test.mts', '.test.js', '.test.mjs'].map(end => `${stem}${end}`)
  return foundOr(
    beside.filter(file => existsSync(file)).map(file => resolve(file)),
    `${path}: there are no tests beside it: expected ${stem}.test or ${stem}.test.ts`,
  )
}

/** Reads the tests of a file. Rejects with TestSetupError, of text with one that says where the fault is. */
export async function loadTests(file: string): Promise<readonly TestCase[]> {
  if (!/\.[cm]?[jt]s$/.test(file)) {
    const script = `${file.replace(TEXT, '')}.cfg`
    return parseTestFile(file, readText(file), script)
  }
  provideApi()
  try {
    return await collectScenarios(() => import(pathToFileURL(file).href))
  } catch (error) {
    throw new TestSetupError(
      `${file} cannot be loaded: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
    )
  }
}

function foundOr(files: readonly string[], complaint: string): readonly string[] {
  if (files.length === 0) throw new TestSetupError(complaint)
  return files
}

function below(folder: string): readonly string[] {
  const found: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (!NOT_LOOKED_INTO.has(entry.name) && !entry.name.startsWith('.')) found.push(...below(path))
    } else if (TEXT.test(entry.name) || (PROGRAM.test(entry.name) && readText(path).includes(API)))
      found.push(resolve(path))
  }
  return found.toSorted()
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TestSetupError(`${file} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

let isProvided = false

/** Makes the import `fanfare/test` lead here, wherever the file of tests lies and whatever is installed beside it. */
function provideApi(): void {
  if (isProvided) return
  isProvided = true
  const url = new URL(`index${extname(import.meta.filename)}`, import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) => (specifier === API ? { url, shortCircuit: true } : next(specifier, context)),
  })
}
