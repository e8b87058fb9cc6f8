import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { exchange, parseTarget } from '../src/cli/mi-client.ts'
import { checkFile, startFile } from '../src/main.ts'
import { freePort } from './support/ports.ts'
import { SipUa } from './support/sip-ua.ts'

const folder = join(import.meta.dirname, '../examples')
const scripts = readdirSync(folder).filter(name => name.endsWith('.cfg'))

/** An example that runs, with free ports and files of its own in place of those it names. */
interface Example {
  readonly log: readonly string[]
  readonly httpPort: number
  /** Datagrams that came to where the example sends them. */
  readonly datagrams: readonly string[]
  /** Content of a file the example writes under /tmp, '' while there is none. */
  read(name: string): string
  readonly files: string
  register(user: string, headers?: string): Promise<SipUa>
  /** Sends a request that belongs to nothing, and gives the status of its reply. */
  ask(method: string, status: number): Promise<void>
}

async function startExample(name: string): Promise<Example> {
  const files = mkdtempSync(join(tmpdir(), 'fanfare-example-'))
  onTestFinished(() => rmSync(files, { recursive: true, force: true }))
  const [httpPort, nobody] = [await freePort(), await freePort()]
  const receiver = createSocket('udp4').bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  onTestFinished(() => void receiver.close())
  const datagrams: string[] = []
  receiver.on('message', bytes => datagrams.push(bytes.toString()))
  const log: string[] = []
  const { proxy, text } = await startFile({
    file: join(folder, name),
    sockets: ['udp:127.0.0.1:0'],
    rewrite: script =>
      script
        .replaceAll('/tmp/', `${files}/`)
        .replaceAll('127.0.0.1:8081', `127.0.0.1:${receiver.address().port}`)
        .replaceAll('127.0.0.1:5672', `127.0.0.1:${nobody}`)
        .replace(/^modparam\("httpd", "port".*$/m, '')
        .replace('loadmodule "httpd.so"', `loadmodule "httpd.so"\nmodparam("httpd", "port", ${httpPort})`),
    write: line => void log.push(line),
  })
  if (proxy === null) throw new Error(`${name} does not start:\n${text}${log.join('')}`)
  onTestFinished(() => proxy.stop(AbortSignal.timeout(1000)))
  const port = proxy.host.network.sockets[0]?.port ?? 0
  return {
    log,
    httpPort,
    datagrams,
    files,
    read: file => (existsSync(join(files, file)) ? readFileSync(join(files, file), 'utf8') : ''),
    register: async (user, headers = '') => {
      const ua = await SipUa.open(user)
      const to = `sip:${user}@127.0.0.1`
      ua.send(ua.makeRequest('REGISTER', { uri: 'sip:127.0.0.1', to, headers: `Expires: 60\r\n${headers}` }), port)
      await ua.nextReply(200)
      return ua
    },
    ask: async (method, status) => {
      const ua = await SipUa.open('someone')
      ua.send(ua.makeRequest(method), port)
      await ua.nextReply(status)
    },
  }
}

/** Waits for something that the example does behind the back of the SIP path. */
async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise(resolve => setTimeout(resolve, 10))
}

describe('every example', () => {
  it.each(scripts)('%s has no errors and nothing unsafe in it', async name => {
    const { errors, text } = await checkFile({ file: join(folder, name) })
    expect(errors).toBe(0)
    // Old spelling is remarked upon, in the one that shows it.
    if (name !== 'opensips-2.4.cfg') expect(text).toBe('')
  })

  it.each(scripts)('%s starts and answers', async name => {
    const example = await startExample(name)
    await example.ask('SUBSCRIBE', name === 'management.cfg' ? 501 : 405)
  })

  it('is played by a test of its own here', () => {
    const text = readFileSync(import.meta.filename, 'utf8')
    for (const name of scripts) expect(text).toContain(`startExample('${basename(name)}')`)
  })
})

it('quickstart.cfg tells its file of both phones and its program of Alice only', async () => {
  const example = await startExample('quickstart.cfg')
  await example.register('bob')
  await example.register('alice')
  await until(() => example.datagrams.length > 0 && example.read('fanfare.events').split('\n').length > 2)
  expect(example.datagrams.map(text => JSON.parse(text).params.aor)).toEqual(['alice'])
  expect(example.read('fanfare.events')).toMatch(/INSERT,location,bob,.*INSERT,location,alice,/s)
})

it('registrar-filters.cfg gives each subscriber what its filter lets through', async () => {
  const example = await startExample('registrar-filters.cfg')
  await example.register('alice1', 'User-Agent: test rig\r\n')
  await example.register('reception', 'User-Agent: Acme 3000\r\n')
  await example.register('alice2', 'User-Agent: Acme 12\r\n')
  await until(() => example.datagrams.length > 0 && example.read('fanfare-acme.csv').includes('alice2'))
  await until(() => example.read('fanfare-desk.csv') !== '')
  expect(example.datagrams.map(text => JSON.parse(text).params.aor)).toEqual(['alice2@127.0.0.1'])
  expect(example.read('fanfare-desk.csv')).toMatch(/^E_UL_CONTACT_INSERT,location,reception@127\.0\.0\.1,.*\n$/)
  expect(example.read('fanfare-acme.csv')).not.toContain('alice1')
  expect(example.read('fanfare-preferred.csv')).toBe('')
})

it('failover.cfg writes to the file while no broker answers', async () => {
  const example = await startExample('failover.cfg')
  await example.register('alice')
  await until(() => example.read('fanfare-registrations.csv').includes(',alice@127.0.0.1,'))
})

it('opensips-2.4.cfg sends the lines of text that version sent', async () => {
  const example = await startExample('opensips-2.4.cfg')
  const alice = await example.register('alice')
  await until(() => example.datagrams.length > 0)
  expect(example.datagrams[0]).toMatch(/^E_UL_CONTACT_INSERT\n/)
  expect(example.datagrams[0]).toContain('aor::alice\n')
  expect(example.log.join('')).toContain(`alice registered ${alice.uri}`)
})

it('event-routes.cfg makes an event of its own when a phone moves', async () => {
  const example = await startExample('event-routes.cfg')
  const first = await example.register('alice')
  await example.register('alice')
  await until(() => example.datagrams.length > 0)
  expect(JSON.parse(example.datagrams[0] ?? '')).toEqual({
    jsonrpc: '2.0',
    method: 'E_PHONE_MOVED',
    params: { aor: 'alice@127.0.0.1', from: first.uri },
  })
  await example.ask('OPTIONS', 405)
  expect(example.log.join('')).toMatch(/OPTIONS from 127\.0\.0\.1 refused: only REGISTER is served/)
})

it('management.cfg answers over its FIFO, and over HTTP to those who know the password', async () => {
  const example = await startExample('management.cfg')
  const ask = (url: string, user?: string): Promise<string> =>
    exchange(parseTarget(url, user, '/tmp/'), '{"jsonrpc":"2.0","method":"version","id":1}')
  expect(await ask(`fifo:${example.files}/fanfare_fifo`)).toContain('fanfare')
  const http = `http://127.0.0.1:${example.httpPort}/mi`
  expect(await ask(http, 'admin:change-me')).toContain('fanfare')
  await expect(ask(http)).rejects.toThrow(/user name and password/)
})
