import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Catalogue } from '../src/events/catalogue.ts'
import { parseFilter } from '../src/events/filter.ts'
import usrloc from '../src/modules/usrloc/index.ts'
import { FanfareProcess, fanfare } from './cli/fanfare-process.ts'
import { scriptFile, testFolder } from './cli/scripts.ts'
import { MemoryLog } from './mi/memory-log.ts'
import { SipUa } from './support/sip-ua.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const readme = read('README.md')
const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text = '']) => ({
  language,
  text,
}))

const script = blocks.find(({ language }) => language === '')?.text ?? ''
const [opening, subscribing] = blocks
  .filter(({ language }) => language === 'sh')
  .map(({ text }) => text.trimEnd().split('\n'))
const consumer = blocks.find(({ language }) => language === 'js')?.text

/** A command line of the README as words, the `npx fanfare` before it and the comment behind it left out. */
function words(line: string): string[] {
  const [, command = ''] = /^npx fanfare (.*?)( +#.*)?$/.exec(line) ?? []
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

/** The README's script, on ports that the system chooses. */
async function serve(): Promise<{ proxy: FanfareProcess; port: number; url: string }> {
  const free = script
    .replace('udp:127.0.0.1:5060', 'udp:127.0.0.1:0')
    .replace('loadmodule "httpd.so"', 'log_level = 3\nloadmodule "httpd.so"\nmodparam("httpd", "port", 0)')
  const proxy = new FanfareProcess(['run', scriptFile(free)])
  onTestFinished(() => proxy.end())
  const url = await proxy.managementUrl()
  return { proxy, port: await proxy.serves(), url }
}

async function register(user: string, port: number): Promise<SipUa> {
  const ua = await SipUa.open(user)
  ua.send(ua.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', to: `sip:${user}@127.0.0.1` }), port)
  await ua.nextReply(200)
  return ua
}

/** Runs a consumer on a port that is free now, until the end of the test. Gives the port and what it prints. */
async function consume(): Promise<{ port: number; said: () => string }> {
  const probe = createSocket('udp4').bind(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  const file = join(testFolder(), 'consumer.mjs')
  // Told when it listens, as it does not say so itself.
  writeFileSync(
    file,
    `${(consumer ?? '').trimEnd().replace('8081', String(port))}.once('listening', () => console.log('listening'))\n`,
  )
  const child: ChildProcess = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout?.on('data', bytes => {
    text += bytes
  })
  while (!text.includes('listening')) await new Promise(resolve => setTimeout(resolve, 10))
  return { port, said: () => text }
}

describe('README', () => {
  it('opens with what the continuous build runs: install and demo, then the tests', () => {
    const commands = opening?.flatMap(line => line.replace(/ +#.*$/, '').split(' && '))
    expect(commands).toEqual(['npm ci', 'npm run demo', 'npm test'])
    for (const command of commands ?? []) expect(read('.ci/run').split('\n')).toContain(command)
    const { scripts } = JSON.parse(read('package.json'))
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']))
  })

  it('its script has no errors', async () => {
    expect(await fanfare(['check', scriptFile(script)])).toMatchObject({ status: 0, err: '' })
  })

  it('its script runs; its subscription, its listing, its tail and its consumer show the event', async () => {
    const { proxy, port, url } = await serve()
    const { port: receiver, said } = await consume()
    const [subscribe = '', list = '', tail = ''] = subscribing ?? []
    const at = ['--url', url]
    const here = words(subscribe).map(word => word.replace('8081', String(receiver)))
    expect(await fanfare([...here, ...at])).toMatchObject({ status: 0, err: '' })
    const listed = await fanfare([...words(list), ...at])
    expect(listed.out).toContain(`udp:127.0.0.1:${receiver}`)

    const tailing = new FanfareProcess([...words(tail), ...at])
    onTestFinished(() => tailing.end())
    // Bob is left out by the filter; Alice is asked to register until the tail, which does not say when it listens, shows her.
    await register('bob', port)
    const alice = await register('alice', port)
    for (let n = 1; !tailing.out.includes('E_UL_CONTACT_INSERT'); n++) {
      await register(`alice${n}`, port)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(tailing.out).not.toContain('aor=bob')
    await proxy.says(new RegExp(`alice@127\\.0\\.0\\.1 is now at ${alice.uri}`))
    while (!said().includes(alice.uri)) await new Promise(resolve => setTimeout(resolve, 10))
    expect(said()).toContain(`E_UL_CONTACT_INSERT alice@127.0.0.1 ${alice.uri}\n`)
  })

  it('shows the consumer that stands in examples/', () => {
    expect(consumer).toBe(read('examples/consumer.js'))
  })
})

describe('documents', () => {
  const pages = ['README.md', 'CHANGELOG.md', ...readdirSync(join(root, 'docs')).map(name => `docs/${name}`)].filter(
    name => name.endsWith('.md'),
  )

  it.each(pages)('%s has no link to a file that is not there', page => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      expect(existsSync(normalize(join(root, dirname(page), target))), target).toBe(true)
  })

  it.each(pages)('%s names no file of the sources that is not there', page => {
    for (const [, path = ''] of read(page).matchAll(
      /`((?:src|test|transports|schemas|docs|examples|bin|scripts)\/[\w./-]+)`/g,
    ))
      if (!path.includes('NAME')) expect(existsSync(join(root, path)), path).toBe(true)
  })

  it('the errors that docs/script.md shows are those that check prints', async () => {
    const [, broken = ''] = /^```cfg\n([\s\S]*?)^```$/m.exec(read('docs/script.md')) ?? []
    const [, shown = ''] =
      /^```console\n\$ npx fanfare check broken\.cfg\n([\s\S]*?)^```$/m.exec(read('docs/script.md')) ?? []
    const cwd = testFolder()
    writeFileSync(join(cwd, 'broken.cfg'), broken)
    const { status, err } = await fanfare(['check', 'broken.cfg'], { cwd })
    expect(status).toBe(1)
    expect(shown).toBe(err)
  })

  it('every filter that docs/events.md shows can be parsed', () => {
    const table = /^\| filter \| lets through \|\n(?:\|.*\n)+/m.exec(read('docs/events.md'))?.[0] ?? ''
    const filters = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, filter = '']) => filter)
    expect(filters.length).toBeGreaterThan(2)
    const spec = usrloc.spec.events.E_UL_CONTACT_INSERT
    const type = new Catalogue('4.0', new MemoryLog()).define('E_UL_CONTACT_INSERT', spec, 'usrloc')
    for (const filter of filters) expect(() => parseFilter(filter, type)).not.toThrow()
  })

  it('docs/operation.md tells of every command and of every flag', async () => {
    const { out } = await fanfare(['help'])
    for (const [, name = ''] of out.matchAll(/^ {2}fanfare ([a-z]+)/gm))
      expect(read('docs/operation.md')).toContain(`\`fanfare ${name}`)
  })

  it('scripts in the documents have no errors', async () => {
    for (const page of pages) {
      for (const [, text = ''] of read(page).matchAll(/^```opensips\n([\s\S]*?)^```$/gm)) {
        const { out, err } = await fanfare(['check', scriptFile(text)])
        expect(err, `${page}:\n${text}`).toBe('')
        expect(out).toContain('no errors')
      }
    }
  })
})
