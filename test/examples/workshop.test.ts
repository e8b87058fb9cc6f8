import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { checkFile, startFile } from '../../src/main.ts'
import { AmqpQueue } from '../support/amqp-queue.ts'
import { freePort } from '../support/ports.ts'
import { canStartRabbitMq, RabbitMqBroker } from '../support/rabbitmq-broker.ts'
import { type SippRun, sippCommand } from '../support/sipp.ts'

const WORKSHOP = join(import.meta.dirname, '../../examples/workshop')
const README = readFileSync(join(WORKSHOP, 'README.md'), 'utf8')
const PATIENCE = { timeout: 30_000, interval: 20 }
const rabbitmqUrl = inject('rabbitmqUrl')
const hasSipp = inject('sippMissing') === null

/** The `sipp` lines of a section, without the program. */
const sippLines = (section: number): readonly string[] => {
  const [, text = ''] = README.split(new RegExp(`^## ${section}\\. `, 'm'))
  return [...(text.split(/^## /m)[0] ?? '').matchAll(/^sipp (.*)$/gm)].map(([, line]) => line ?? '')
}

/** The workshop on ports of its own, with everything it writes in a folder of its own. */
async function workshop(script: 'parallel.cfg' | 'failover.cfg', broker: string, queue: string) {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-workshop-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  vi.stubEnv('STATE_DIRECTORY', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  const ports: Record<string, number> = {}
  for (const port of ['5060', '5071', '5072', '5090']) ports[port] = await freePort()
  const withPorts = (text: string): string => text.replaceAll(/\b50(?:60|71|72|90)\b/g, port => String(ports[port]))
  const list = join(folder, 'dispatcher.list')
  writeFileSync(list, withPorts(readFileSync(join(WORKSHOP, 'dispatcher.list'), 'utf8')))
  const { told, port: receiverPort } = await receiver()
  const log: string[] = []
  const { proxy, text } = await startFile({
    file: join(WORKSHOP, script),
    sockets: [`udp:127.0.0.1:${ports['5060']}`],
    rewrite: config =>
      config
        .replace('rabbitmq:127.0.0.1/opensips', `rabbitmq:${broker}/${queue}`)
        .replace('/tmp/opensips.events', join(folder, 'opensips.events'))
        .replace('127.0.0.1:8000', `127.0.0.1:${receiverPort}`)
        .replace('"dispatcher.list"', `"${list}"`)
        .replace('"ds_ping_interval", 2', '"ds_ping_interval", 1'),
    write: line => void log.push(line),
  })
  if (proxy === null) throw new Error(text)
  onTestFinished(() => proxy.stop(AbortSignal.timeout(2_000)))
  /** Runs a line of the README. */
  const sipp = (line: string): SippRun => {
    const words = withPorts(line).split(/\s+/)
    const run = sippCommand(words.map(word => (word.endsWith('.xml') ? join(WORKSHOP, word) : word)))
    onTestFinished(async () => {
      run.end()
      await run.result
    })
    return run
  }
  const finishes = async (line: string): Promise<void> => {
    const { status, output } = await sipp(line).result
    expect(status, output).toBe(0)
  }
  const filed = (): readonly string[] => {
    const file = join(folder, 'opensips.events')
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
  }
  return { log, told, sipp, finishes, filed, ports }
}

/** The program of the workshop that listens for XML-RPC, and the lines it prints. */
async function receiver(): Promise<{ readonly told: readonly string[]; readonly port: number }> {
  const child: ChildProcess = spawn(process.execPath, [join(WORKSHOP, 'receiver.js'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  const told: string[] = []
  let text = ''
  child.stdout?.on('data', bytes => {
    text += String(bytes)
    told.splice(0, told.length, ...text.split('\n').slice(0, -1))
  })
  await Promise.race([
    expect.poll(() => told.length, PATIENCE).toBe(1),
    once(child, 'exit').then(() => Promise.reject(new Error('the receiver ended'))),
  ])
  return { told, port: Number(/port (\d+)/.exec(told[0] ?? '')?.[1]) }
}

const CDR = /^E_ACC_CDR,INVITE,\w+,\w+,[^,]+,200,OK,\d+,\d+,\d+,\d+,\d+$/

describe('the files of the workshop', () => {
  it.each(['parallel.cfg', 'failover.cfg'])('%s has no errors', async name => {
    expect(await checkFile({ file: join(WORKSHOP, name) })).toEqual({ errors: 0, text: '' })
  })

  it('are all there, and all spoken of', () => {
    const named = [...README.matchAll(/[\w-]+\.(?:test\.ts|test|xml|cfg|list|js)(?!\w)/g)].map(([name]) => name)
    const files = readdirSync(WORKSHOP).filter(name => name !== 'README.md')
    expect([...new Set(named)].toSorted()).toEqual(files.toSorted())
  })
})

describe.skipIf(rabbitmqUrl === null || !hasSipp)('the workshop with the policy PARALLEL', () => {
  it('has a CDR in the file and in the queue for every call', { timeout: 90_000 }, async () => {
    const queue = await AmqpQueue.open(String(rabbitmqUrl), {
      name: `workshop.${crypto.randomUUID()}`,
      autoDelete: true,
    })
    onTestFinished(() => queue.close())
    const { sipp, finishes, filed } = await workshop('parallel.cfg', new URL(String(rabbitmqUrl)).host, queue.name)
    const [callee = '', register = '', caller = '', hundred = ''] = sippLines(2)
    sipp(callee)
    await finishes(register)
    await finishes(caller)
    await expect.poll(filed, PATIENCE).toEqual([expect.stringMatching(CDR)])
    const [, , , , , , , , duration, ms] = (filed()[0] ?? '').split(',').map(Number)
    expect(ms).toBeGreaterThanOrEqual(2_000)
    expect(duration).toBe(Math.ceil((ms ?? 0) / 1000))
    await queue.arrived(1)
    await finishes(hundred)
    await expect.poll(() => filed().length, PATIENCE).toBe(101)
    await queue.arrived(101)
    expect(filed().every(line => CDR.test(line))).toBe(true)
    expect(new Set(filed().map(line => line.split(',')[4])).size).toBe(101)
  })

  it('logs the address of a flood once, and tells of the gateway by XML-RPC', { timeout: 90_000 }, async () => {
    const queue = await AmqpQueue.open(String(rabbitmqUrl), {
      name: `workshop.${crypto.randomUUID()}`,
      autoDelete: true,
    })
    onTestFinished(() => queue.close())
    const { log, told, sipp, finishes, ports } = await workshop(
      'parallel.cfg',
      new URL(String(rabbitmqUrl)).host,
      queue.name,
    )
    const [flood = ''] = sippLines(4)
    await sipp(flood).result
    await expect.poll(() => log.filter(line => line.includes('has been blocked')).length, PATIENCE).toBe(1)
    expect(log.some(line => line.includes('IP 127.0.0.9 has been blocked'))).toBe(true)
    // The phones use another address.
    await finishes(sippLines(2)[1] ?? '')
    const uri = `sip:127.0.0.1:${ports['5090']}`
    const states = () => told.filter(line => line.includes(uri)).map(line => / (active|inactive)\b/.exec(line)?.[1])
    await expect.poll(states, PATIENCE).toEqual(['inactive'])
    const gateway = sipp(sippLines(5)[0] ?? '')
    await expect.poll(states, PATIENCE).toEqual(['inactive', 'active'])
    gateway.end()
    await gateway.result
    await expect.poll(states, PATIENCE).toEqual(['inactive', 'active', 'inactive'])
  })
})

describe.skipIf(!canStartRabbitMq() || !hasSipp)('the workshop with the policy FAILOVER', () => {
  it('has each CDR in one place: the queue, and the file while the broker is away', { timeout: 150_000 }, async () => {
    const broker = await RabbitMqBroker.start()
    onTestFinished(() => broker.stop())
    const open = () => AmqpQueue.open(broker.url, { name: 'opensips', durable: true })
    const before = await open()
    onTestFinished(() => before.close())
    const { log, sipp, finishes, filed } = await workshop('failover.cfg', broker.hostPort, 'opensips')
    const [callee = '', register = '', caller = ''] = sippLines(2)
    const short = caller.replace('-d 2000', '-d 100')
    sipp(callee)
    await finishes(register)
    await finishes(short)
    await before.arrived(1)
    expect(filed()).toEqual([])
    await broker.kill()
    await finishes(short)
    await expect.poll(filed, PATIENCE).toEqual([expect.stringMatching(CDR)])
    const logged = log.length
    await broker.restart()
    const after = await open()
    onTestFinished(() => after.close())
    // Calls may come before the transport has noticed: their CDRs are in the file, none is lost.
    let calls = 0
    await expect
      .poll(
        async () => {
          await finishes(short)
          calls++
          return after.messages.length
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toBeGreaterThan(0)
    await expect.poll(() => filed().length - 1 + after.messages.length, PATIENCE).toBe(calls)
    expect(log.slice(logged).join('')).not.toMatch(/dropped|expired/)
  })
})
