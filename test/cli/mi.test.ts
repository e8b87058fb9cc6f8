import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/mi.ts'
import { DatagramDoor } from '../../src/mi/doors/datagram.ts'
import { FifoDoor } from '../../src/mi/doors/fifo.ts'
import { HttpListener } from '../../src/mi/doors/http.ts'
import { answerJsonRpc } from '../../src/mi/doors/http-json-rpc.ts'
import { systemClock } from '../../src/util/clock.ts'
import { arg } from '../../src/util/spec.ts'
import { sampleInterface } from '../mi/sample-interface.ts'
import { CapturedIo } from './captured-io.ts'

const { mi, log } = sampleInterface(systemClock)
const value = arg('value', 'json', '')
mi.register('test', { echo: { args: [value], doc: '' } }, { echo: (args: { value: unknown }) => args.value } as never)

const http = new HttpListener({ host: '127.0.0.1', port: 0, maxBodyBytes: 1e6, receiveTimeoutMs: 30_000 }, log)
const credentials = { realm: 'r', users: [{ username: 'operator', password: 'secret', rules: null }] }
const guarded = new HttpListener(
  { host: '127.0.0.1', port: 0, maxBodyBytes: 1e6, receiveTimeoutMs: 30_000, credentials },
  log,
)
const directory = `${mkdtempSync(join(tmpdir(), 'fanfare-cli-'))}/`
const fifo = new FifoDoor(
  mi,
  { path: `${directory}fifo`, replyDirectory: directory, pretty: false, indent: '\t', rules: null, mode: 0o600 },
  systemClock,
  log,
)
const udp = new DatagramDoor(
  mi,
  {
    address: { kind: 'udp', host: '127.0.0.1', port: 0 },
    pretty: false,
    indent: '\t',
    rules: null,
    allowed: null,
    maxReplyBytes: 65000,
    mode: 0,
  },
  log,
)
let url: string
let guardedUrl: string
let udpUrl: string

beforeAll(async () => {
  for (const listener of [http, guarded]) {
    listener.mount('mi', 'mi_http', request => answerJsonRpc(mi, request, false))
  }
  url = `http://127.0.0.1:${(await http.open()).port}/mi`
  guardedUrl = `http://127.0.0.1:${(await guarded.open()).port}/mi`
  await fifo.open()
  udpUrl = `udp:${await udp.open()}`
})
afterAll(async () => {
  await Promise.all([http.close(), guarded.close(), fifo.close(), udp.close()])
  rmSync(directory, { recursive: true })
})

async function mi_(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const io = new CapturedIo()
  const status = await run(argv, io)
  return { status, out: io.out, err: io.err }
}

describe('fanfare mi', () => {
  it.each<[string, string[], string]>([
    ['text as it is', ['ul_add'], 'OK\n'],
    ['JSON indented', ['core:version'], '{\n  "Server": "OpenSIPS (4.0.1 (x86_64/linux))"\n}\n'],
    ['JSON on one line', ['--json', 'version'], '{"Server":"OpenSIPS (4.0.1 (x86_64/linux))"}\n'],
    ['text as JSON', ['ul_add', '--json'], '"OK"\n'],
  ])('prints a result that is %s', async (_title, argv, out) => {
    expect(await mi_(...argv, '--url', url)).toEqual({ status: 0, out, err: '' })
  })

  it.each<[string, string[], unknown]>([
    ['values that are no names', ['sip:a;b=c'], 'sip:a;b=c'],
    ['a positional value', ['1;lr=on'], '1;lr=on'],
    ['a named value', ['value=x=y'], 'x=y'],
    ['a JSON array', ['value=[1,"a"]'], [1, 'a']],
    ['a JSON object', ['{"a":{}}'], { a: {} }],
    ['what only begins like JSON', ['[::1]:5060'], '[::1]:5060'],
    ['a value behind --', ['--', 'value=x'], 'value=x'],
    ['an option-like value behind --', ['--', '-5'], '-5'],
  ])('sends %s', async (_title, words, expected) => {
    expect(JSON.parse((await mi_('--url', url, '--json', 'test:echo', ...words)).out)).toEqual(expected)
  })

  it('refuses a mixture of named and positional values', async () => {
    await expect(mi_('test:echo', 'x', 'value=y')).rejects.toThrow('either all NAME=VALUE or all values')
  })

  it.each<[string[], RegExp]>([
    [[], /which command/],
    [['x', '--url', 'gopher://x'], /is no management address/],
    [['x', '--url', 'udp:x'], /is no UDP address/],
    [['x', '--nope'], /--nope/],
  ])('%j is a mistake of usage', async (argv, message) => {
    await expect(mi_(...argv)).rejects.toThrow(message)
  })

  it.each([
    [['nope'], 'error -32601: Method not found\n'],
    [['event_subscribe', 'E_NOPE', 'udp:x'], 'error 400: Bad parameter value\n'],
    [['subscribe'], 'error -32001: Method ambiguous: supported names: evi:subscribe, freeswitch_scripting:subscribe\n'],
  ])('prints the error of %j and gives 1', async (argv, err) => {
    expect(await mi_(...argv, '--url', url)).toEqual({ status: 1, out: '', err })
  })

  it('works by UDP', async () => {
    expect(await mi_('event_subscribe', 'event=E_UL_AOR_DELETE', 'socket=udp:x', '--url', udpUrl)).toMatchObject({
      status: 0,
      out: 'OK\n',
    })
  })

  it('works through a FIFO and leaves no reply FIFO behind', async () => {
    const argv = ['which', '--json', '--url', `fifo:${directory}fifo`, '--reply-dir', directory]
    expect(JSON.parse((await mi_(...argv)).out)).toContain('evi:subscribe')
    expect(readdirSync(directory)).toEqual(['fifo'])
  })

  it('gives a user name and password', async () => {
    expect(await mi_('ul_add', '--url', guardedUrl, '--user', 'operator:secret')).toMatchObject({ status: 0 })
    const refused = await mi_('ul_add', '--url', guardedUrl)
    expect(refused).toMatchObject({ status: 1, out: '' })
    expect(refused.err).toContain('give them with --user name:password')
  })

  it('says what was tried and what to load when nobody listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => closed.once('listening', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise(resolve => closed.close(resolve))
    const { status, err } = await mi_('ul_add', '--url', `http://127.0.0.1:${port}/mi`)
    expect(status).toBe(1)
    expect(err).toMatch(new RegExp(`^cannot reach http://127.0.0.1:${port}/mi \\(ECONNREFUSED\\).*mi_http.so`))
    expect((await mi_('ul_add', '--url', `fifo:${directory}none`, '--reply-dir', directory)).err).toMatch(
      /none \(ENOENT\).*mi_fifo.so/,
    )
    expect((await mi_('ul_add', '--url', `${url}x`)).err).toContain('is not there: does the script load mi_http.so')
  })

  it('says that a UDP port is closed', async () => {
    const door = new DatagramDoor(
      mi,
      {
        address: { kind: 'udp', host: '127.0.0.1', port: 0 },
        pretty: false,
        indent: '\t',
        rules: null,
        allowed: null,
        maxReplyBytes: 1,
        mode: 0,
      },
      log,
    )
    const name = await door.open()
    await door.close()
    const { status, err } = await mi_('ul_add', '--url', `udp:${name}`)
    expect([status, err]).toEqual([
      1,
      expect.stringContaining('(ECONNREFUSED): does the script load mi_datagram.so there?'),
    ])
  })

  it('an answer that is no JSON-RPC is shown', async () => {
    const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const { status, err } = await mi_('ul_add', '--url', `http://127.0.0.1:${port}/`)
    expect([status, err]).toEqual([1, 'the answer is no JSON-RPC: hello\n'])
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
})
