import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Which top folders a folder may import. `self` is always allowed. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/util': [],
  'src/log': ['src/util'],
  'src/stats': ['src/util', 'src/log'],
  'src/sip': ['src/util', 'src/log', 'src/stats'],
  'src/events': ['src/util', 'src/log', 'src/stats'],
  'src/db': ['src/util', 'src/log', 'src/stats'],
  'src/mi': ['src/util', 'src/log', 'src/stats'],
  'src/cluster': ['src/util', 'src/log', 'src/stats'],
  'src/script': ['src/util', 'src/log', 'src/stats', 'src/sip', 'src/events', 'src/db', 'src/mi', 'src/cluster'],
  'src/proxy': ['src/util', 'src/log', 'src/stats', 'src/sip', 'src/script'],
  'src/module': [
    'src/util',
    'src/log',
    'src/stats',
    'src/sip',
    'src/events',
    'src/db',
    'src/mi',
    'src/cluster',
    'src/script',
    'src/proxy',
  ],
  'src/modules': [
    'src/util',
    'src/log',
    'src/stats',
    'src/sip',
    'src/events',
    'src/db',
    'src/mi',
    'src/cluster',
    'src/script',
    'src/proxy',
    'src/module',
  ],
  transports: ['src/util', 'src/log', 'src/events/transport.ts', 'src/events/socket-text.ts'],
}

const sources = ['src', 'transports'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => `${folder}/${name}`),
)

/** The project files that a file imports, as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [
    ...text.matchAll(
      /^\s*(?:import|export)\s[^'"]*?from\s+['"](\.[^'"]+)['"]|^import\s+['"](\.[^'"]+)['"]|import\(['"](\.[^'"]+)['"]\)/gm,
    ),
  ]
    .map(match => match[1] ?? match[2] ?? match[3] ?? '')
    .map(path => relative(root, join(root, dirname(file), path)))
}

/** Types only: they vanish when run, so they cannot make a cycle at run time. */
function runtimeImportsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(
    /^\s*(?:import|export)\s+type\s[^'"]*?from\s+['"][^'"]+['"]/gm,
    '',
  )
  return [...text.matchAll(/^\s*(?:import|export)\s[^'"]*?from\s+['"](\.[^'"]+)['"]/gm)].map(match =>
    relative(root, join(root, dirname(file), match[1] ?? '')),
  )
}

const layerOf = (file: string): string =>
  file.startsWith('transports/') ? 'transports' : file.split('/').slice(0, 2).join('/')
const unitOf = (file: string): string => {
  const depth = file.startsWith('src/modules/') ? 3 : 2
  return file.split('/').slice(0, depth).join('/')
}

describe('who may import whom', () => {
  it('finds the sources', () => {
    expect(sources.length).toBeGreaterThan(50)
  })

  it('every import follows an arrow of docs/architecture.md', () => {
    const wrong = sources
      .filter(file => MAY_IMPORT[layerOf(file)] !== undefined)
      .flatMap(file =>
        importsOf(file)
          .filter(target => unitOf(target) !== unitOf(file))
          .filter(target => layerOf(target) !== layerOf(file) || ['src/modules', 'transports'].includes(layerOf(file)))
          .filter(
            target =>
              !(MAY_IMPORT[layerOf(file)] ?? []).some(
                allowed => target === allowed || target.startsWith(`${allowed}/`),
              ),
          )
          .map(target => `${file} → ${target}`),
      )
    expect(wrong).toEqual([])
  })

  it('no file takes part in an import cycle at run time', () => {
    const graph = new Map(sources.map(file => [file, runtimeImportsOf(file)]))
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      if (path.includes(file) || done.has(file)) return
      for (const target of graph.get(file) ?? []) visit(target, [...path, file])
      done.add(file)
    }
    for (const file of sources) visit(file, [])
    expect(cycles).toEqual([])
  })
})
