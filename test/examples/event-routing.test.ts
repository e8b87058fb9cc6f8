import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { checkFile, startFile } from '../../src/main.ts'
import { freePort, openedForUdp } from '../support/ports.ts'
import { type SippRun, sippCommand } from '../support/sipp.ts'

const FOLDER = join(import.meta.dirname, '../../examples/event-routing')
const README = readFileSync(join(FOLDER, 'README.md'), 'utf8')
const PATIENCE = { timeout: 30_000, interval: 20 }
const scripts = readdirSync(FOLDER).filter(name => name.endsWith('.cfg'))

/** The `sipp` lines of a section, without the program. */
const sippLines = (section: number): readonly string[] => {
  const [, text = ''] = README.split(new RegExp(`^## ${section}\\. `, 'm'))
  return [...(text.split(/^## /m)[0] ?? '').matchAll(/^sipp (.*)$/gm)].map(([, line]) => line ?? '')
}

/** An example on ports of its own, with the phones of the README. */
async function example(script: string, pushPort = 9) {
  const ports: Record<string, number> = {}
  for (const port of ['5060', '5071', '5072', '5073', '5074', '8080']) ports[port] = await freePort()
  const withPorts = (text: string): string =>
    text.replaceAll(/\b(?:50(?:60|71|72|73|74)|8080)\b/g, port => String(ports[port])).replaceAll('8090', `${pushPort}`)
  const log: string[] = []
  const { proxy, text } = await startFile({
    file: join(FOLDER, script),
    sockets: [`udp:127.0.0.1:${ports['5060']}`],
    rewrite: withPorts,
    write: line => void log.push(line),
  })
  if (proxy === null) throw new Error(text)
  onTestFinished(() => proxy.stop(AbortSignal.timeout(2_000)))
  const phone = (line: string): SippRun => {
    const words = withPorts(line).split(/\s+/)
    const run = sippCommand(words.map(word => (word.endsWith('.xml') ? join(FOLDER, word) : word)))
    onTestFinished(async () => {
      run.end()
      await run.result
    })
    return run
  }
  return {
    log,
    phone,
    /** Starts one that is called, and waits until it listens. */
    listening: async (line: string): Promise<SippRun> => {
      const run = phone(line)
      await openedForUdp(Number(/-p (\d+)/.exec(withPorts(line))?.[1]))
      return run
    },
    waits: () => proxy.host.stats.find('event_routing:waits')?.read(),
  }
}

/** Every one has done all its scenario says. */
async function succeed(...runs: readonly SippRun[]): Promise<void> {
  for (const run of runs) {
    const { status, output } = await run.result
    expect(status, output).toBe(0)
  }
}

async function pushServer(): Promise<{ readonly port: number; readonly lines: () => string }> {
  const child: ChildProcess = spawn(process.execPath, [join(FOLDER, 'push-server.js'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  let text = ''
  child.stdout?.on('data', bytes => {
    text += String(bytes)
  })
  await Promise.race([
    expect.poll(() => text, PATIENCE).toContain('port'),
    once(child, 'exit').then(() => Promise.reject(new Error('the push server ended'))),
  ])
  return { port: Number(/port (\d+)/.exec(text)?.[1]), lines: () => text }
}

describe('the examples of event-based routing', () => {
  it.each(scripts.filter(name => name !== 'common.cfg'))('%s has no errors', async name => {
    const { errors, text } = await checkFile({ file: join(FOLDER, name) })
    expect([errors, text.split('\n').filter(line => !/E_DTMF|E_CALL_PICKUP|^ |^$/.test(line))]).toEqual([0, []])
  })

  it('are all there, and all spoken of', () => {
    const named = [...README.matchAll(/[\w-]+\.(?:xml|cfg|js|test)(?!\w)/g)].map(([name]) => name)
    const files = readdirSync(FOLDER).filter(name => name !== 'README.md')
    expect([...new Set(named)].toSorted()).toEqual(files.toSorted())
  })
})

describe.skipIf(inject('sippMissing') !== null)('with SIPp', () => {
  it('push.cfg brings the waiting call to the phone that wakes up', { timeout: 60_000 }, async () => {
    const push = await pushServer()
    const { log, phone, listening } = await example('push.cfg', push.port)
    const [caller = '', callee = '', register = ''] = sippLines(1)
    const alice = phone(caller)
    await expect.poll(push.lines, PATIENCE).toContain('POST /fcm/send {"registration_ids":["TKN"]}')
    const bob = await listening(callee)
    await succeed(phone(register), alice, bob)
    expect(log.join('')).toContain('bob@127.0.0.1 is awake at sip:bob@127.0.0.1:')
  })

  it('pickup.cfg moves the ringing call to who dials 33', { timeout: 60_000 }, async () => {
    const { log, phone, listening, waits } = await example('pickup.cfg')
    const [ringing = '', callee = '', registerBob = '', registerCarol = '', caller = '', picker = ''] = sippLines(2)
    const [bob, carol] = [await listening(ringing), await listening(callee)]
    await succeed(phone(registerBob), phone(registerCarol))
    const alice = phone(caller)
    await expect.poll(waits, PATIENCE).toBe(1)
    await succeed(phone(picker), alice, bob, carol)
    expect(log.join('')).toContain('the call is taken by sip:carol@127.0.0.1')
  })

  it('keys.cfg hangs up at the key 5', { timeout: 60_000 }, async () => {
    const { log, phone, listening, waits } = await example('keys.cfg')
    const [callee = '', register = '', presser = ''] = sippLines(3)
    const bob = await listening(callee)
    await succeed(phone(register))
    await succeed(phone(presser), bob)
    expect(log.filter(line => /key [25]$/.test(line.trimEnd()))).toHaveLength(2)
    await expect.poll(waits, PATIENCE).toBe(0)
  })
})
