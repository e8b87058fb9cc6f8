import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { awaitUnix, bindUnix, closeUnix, receiveUnix, sendUnix } from '../src/mi/doors/unix-calls.ts'
import { FanfareProcess, fanfare } from './cli/fanfare-process.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)
const work = mkdtempSync(join(tmpdir(), 'fanfare-pack-'))
const checkout = join(work, 'checkout')
const project = join(work, 'project')
const installed = join(project, 'node_modules/fanfare')
const program = join(installed, 'bin/fanfare.js')

/** npm with the Node.js of this run, without the network. */
const npm = (args: readonly string[], cwd: string): Promise<{ stdout: string; stderr: string }> =>
  run('npm', args, {
    cwd,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, npm_config_offline: 'true' },
  })

/** A copy to pack, as packing changes package.json for a moment and others read it meanwhile. */
function copyCheckout(): void {
  for (const name of readdirSync(root))
    if (!['node_modules', 'dist', 'test', '.git'].includes(name))
      cpSync(join(root, name), join(checkout, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'))
}

/** What `npm install` of the tarball would put there, with the dependencies that are here already. */
async function install(tarball: string): Promise<void> {
  mkdirSync(installed, { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'])
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.') && name !== 'fanfare')
      symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
}

const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

beforeAll(async () => {
  copyCheckout()
  const { stdout } = await npm(['pack', '--json', '--pack-destination', work], checkout)
  const { filename } = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/m))))[0] as { filename: string }
  await install(join(work, filename))
}, 300_000)
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('the package', () => {
  it('brings no Node.js of its own, no tools and no scripts of the checkout', () => {
    const published = manifest(installed)
    expect(Object.keys(published)).not.toContain('optionalDependencies')
    expect(Object.keys(published)).not.toContain('devDependencies')
    expect(Object.keys(published.scripts ?? {}).filter(name => name !== 'postpack')).toEqual([])
    expect(published).toMatchObject({ dependencies: manifest(root).dependencies, engines: manifest(root).engines })
  })

  it('has the program, schemas and examples, and neither sources nor tests', () => {
    expect(readdirSync(installed).toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'examples',
      'package.json',
      'schemas',
    ])
    expect(readdirSync(join(installed, 'dist'))).toEqual(['src', 'transports'])
  })

  it('has no import of a TypeScript file left', () => {
    const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
    for (const name of files.filter(name => name.endsWith('.js')))
      expect(readFileSync(join(installed, 'dist', name), 'utf8'), name).not.toMatch(
        /(from|import\() ?['"][^'"]+\.ts['"]/,
      )
  })

  it('checks and runs its own example', async () => {
    const example = join(installed, 'examples/quickstart.cfg')
    expect(await fanfare(['check', example], { program, cwd: project })).toMatchObject({ status: 0 })
    const { status, out, err } = await fanfare(['demo'], { program, cwd: project })
    expect({ status, err }).toEqual({ status: 0, err: '' })
    expect(out).toContain('Every event raised reached every subscriber')
  })

  it('runs tests of configurations, and has the types they are written with', async () => {
    const file = join(project, 'call.test.ts')
    const text = `import { type Message, scenario } from 'fanfare/test'
scenario('a call', '${join(installed, 'examples/quickstart.cfg')}', async stage => {
  const alice = stage.phone('alice')
  const reply: Message = await alice.registers({ for: '1m' })
  if (reply.status !== 200) throw new Error(reply.text)
})
`
    writeFileSync(file, text)
    const ran = await fanfare(['test', 'call.test.ts'], { program, cwd: project })
    expect(ran).toMatchObject({ status: 0, err: '', out: expect.stringContaining('1 passed') })
    writeFileSync(file, text.replace('reply.status', 'reply.code'))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
    const compiled = run(process.execPath, [compiler, ...flags, file], { cwd: project })
    await expect(compiled).rejects.toMatchObject({
      stdout: expect.stringMatching(/^\S*call\.test\.ts\(5,13\): error TS2339.*\n$/),
    })
  })

  it('finds the threads it starts: a unix datagram door answers', async () => {
    const script = join(work, 'unix.cfg')
    writeFileSync(
      script,
      `log_level = 3
socket = udp:127.0.0.1:0
loadmodule "mi_datagram.so"
modparam("mi_datagram", "socket_name", "${work}/mi.sock")
route { drop; }
`,
    )
    const proxy = new FanfareProcess(['run', script], { program, cwd: project })
    onTestFinished(() => proxy.end())
    await proxy.serves()
    const client = bindUnix(join(work, 'client.sock'))
    onTestFinished(() => closeUnix(client))
    sendUnix(client, Buffer.from('{"jsonrpc":"2.0","method":"version","id":1}'), join(work, 'mi.sock'))
    while (!awaitUnix(client, 0)) await new Promise(resolve => setTimeout(resolve, 10))
    expect(receiveUnix(client, Buffer.alloc(65536))?.bytes.toString()).toContain('fanfare')
    proxy.signal('SIGTERM')
    expect(await proxy.ended).toEqual({ status: 0, signal: null })
    expect(proxy.err).not.toContain('receiver failed')
  })
})

/** The instructions of the Dockerfile, continued lines and comments taken out, each with the stage it stands in. */
function instructions(): { word: string; rest: string; stage: string }[] {
  let stage = ''
  const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').replace(/\\\n/g, ' ').split('\n')
  return lines.flatMap(line => {
    const [, word = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
    if (word === 'FROM') stage = / AS (\w+)$/.exec(rest)?.[1] ?? 'image'
    return word === '' ? [] : [{ word, rest, stage }]
  })
}

describe('the container image', () => {
  const image = instructions().filter(({ stage }) => stage === 'image')
  const copies = instructions().filter(({ word }) => word === 'COPY')
  const command = (word: string): string[] =>
    JSON.parse(/\[.*\]$/.exec(image.find(found => found.word === word)?.rest ?? '')?.[0] ?? '[]')

  it('copies nothing that is not there, or left out of the build context', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n')
    for (const { rest } of copies.filter(({ rest }) => !rest.startsWith('--from='))) {
      for (const source of rest.split(' ').slice(0, -1)) {
        expect(existsSync(join(root, source)), source).toBe(true)
        expect(ignored).not.toContain(source)
      }
    }
  })

  it('copies from stages that are there, what they make there', () => {
    const from = copies.flatMap(({ rest }) => [...(/^--from=(\w+) (\S+)/.exec(rest)?.slice(1) ?? [])])
    expect(from).toEqual(['dependencies', '/app/node_modules', 'build', '/build/dist'])
    const stages = instructions().filter(({ word }) => word === 'WORKDIR')
    expect(stages.map(({ stage, rest }) => `${stage} ${rest}`)).toEqual([
      'build /build',
      'dependencies /app',
      'image /app',
    ])
  })

  it('is built with a Node.js that the package accepts', () => {
    for (const { rest } of instructions().filter(({ word }) => word === 'FROM'))
      expect(Number(/^node:(\d+)/.exec(rest)?.[1])).toBeGreaterThanOrEqual(Number(manifest(root).engines.node.slice(2)))
  })

  it('does not run as root', () => {
    const words = image.map(({ word }) => word)
    expect(image.find(({ word }) => word === 'USER')?.rest).toBe('node')
    expect(words.indexOf('USER')).toBeLessThan(words.indexOf('ENTRYPOINT'))
    expect(words.slice(words.indexOf('USER'))).not.toContain('RUN')
  })

  it('serves with its command, is healthy while it does, and ends with SIGTERM', async () => {
    const app = join(work, 'app')
    for (const name of ['bin', 'dist', 'schemas', 'examples', 'package.json'])
      cpSync(join(installed, name), join(app, name), { recursive: true })
    symlinkSync(join(project, 'node_modules'), join(app, 'node_modules'))
    const example = join(app, 'examples/quickstart.cfg')
    const free = readFileSync(example, 'utf8')
      .replaceAll('/tmp/', `${work}/`)
      .replace('loadmodule "mi_http.so"', 'loadmodule "mi_http.so"\nmodparam("httpd", "port", 0)')
    writeFileSync(example, free)
    const [node, script = '', ...before] = command('ENTRYPOINT')
    expect([node, script, ...before]).toEqual(['node', 'bin/fanfare.js'])
    const argv = command('CMD').map(word => word.replace(/:5060$/, ':0'))
    expect(argv).toContain('udp:*:0')
    const proxy = new FanfareProcess(argv, { program: join(app, script), cwd: app })
    onTestFinished(() => proxy.end())
    const url = await proxy.managementUrl()
    await proxy.serves()
    const health = { program: join(app, script), cwd: app, env: { FANFARE_URL: url } }
    const [, , ...probe] = command('HEALTHCHECK')
    expect(await fanfare(probe, health)).toMatchObject({ status: 0, out: expect.stringContaining('fanfare') })
    expect(image.find(({ word }) => word === 'STOPSIGNAL')?.rest).toBe('SIGTERM')
    proxy.signal('SIGTERM')
    expect(await proxy.ended).toEqual({ status: 0, signal: null })
    expect(await fanfare(probe, health)).toMatchObject({ status: 1 })
  })
})

describe('package.json', () => {
  const before = readFileSync(join(root, 'package.json'), 'utf8')
  const now = (): string => readFileSync(join(checkout, 'package.json'), 'utf8')

  it('is as it was after packing', () => {
    expect(now()).toBe(before)
    expect(existsSync(join(checkout, 'package.json.before-pack'))).toBe(false)
  })

  it('is put back when packing fails behind the build', async () => {
    await expect(npm(['pack', '--pack-destination', '/nowhere'], checkout)).rejects.toThrow(/ENOENT|nowhere/)
    while (now() !== before) await new Promise(resolve => setTimeout(resolve, 20))
    expect(existsSync(join(checkout, 'package.json.before-pack'))).toBe(false)
  }, 180_000)

  it('is not touched when the build fails', async () => {
    const broken = join(checkout, 'src/broken.ts')
    writeFileSync(broken, 'export const wrong: number = "text"\n')
    onTestFinished(() => rmSync(broken))
    await expect(npm(['pack'], checkout)).rejects.toMatchObject({ stdout: expect.stringContaining('broken.ts') })
    expect(now()).toBe(before)
  }, 180_000)
})
