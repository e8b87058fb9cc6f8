import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { type ScriptProxy, scriptProxy } from '../../support/script-proxy.ts'
import { until } from '../../support/until.ts'
import { webServer } from '../../support/web-server.ts'

const MODULES = ['rest_client', 'exec', 'cfgutils', 'event_routing', 'mi_script'].map(name => `loadmodule "${name}.so"`)

/** A proxy whose script has `call` done within `async()`, for two seconds, and replies with what its resume route sees. */
async function limited(
  call: string,
  { before = '', after = '', top = '', seconds = 2, names = {}, prepare = (_: ScriptProxy): void => {} } = {},
) {
  const proxy = await scriptProxy({
    top: `${MODULES.join('\n')}\n${top}
route[resumed] { $var(rc) = $rc; xlog("«$var(rc) $var(x) $avp(x)»\\n"); t_reply(299, "rc $var(rc)"); ${after} }`,
    route: `${before} async(${call}, resumed, ${seconds});`,
    names,
  })
  prepare(proxy)
  const timers = proxy.clock.pending
  let asked = 0
  /** Asks once more; a transaction tells that the call has begun. */
  const ask = async (): Promise<void> => {
    proxy.phone.request('MESSAGE', proxy.port)
    asked++
    await until(() => proxy.host.stats.find('tm:inuse_transactions')?.read() === asked)
  }
  await ask()
  return {
    ...proxy,
    askAgain: ask,
    /** Lets the time of the call run out; gives the phrase of the reply. */
    late: async (): Promise<string> => {
      await proxy.clock.advance(seconds * 1000 - 1)
      expect(proxy.phone.count({ status: 299 })).toBe(0)
      await proxy.clock.advance(1)
      return (await proxy.phone.nextReply(299)).reason
    },
    /** Lets the transaction end too: then no timer of the message is left. */
    expectNoTimerLeft: async (): Promise<void> => {
      await proxy.clock.advance(60_000)
      expect(proxy.clock.pending).toBe(timers)
    },
  }
}

describe('the third argument of async()', () => {
  it('ends sleep() with −1 and leaves no timer', async () => {
    const proxy = await limited('sleep(30)')
    expect(await proxy.late()).toBe('rc -1')
    await proxy.expectNoTimerLeft()
  })

  it('does nothing to a function that is done in time, whose values are there', async () => {
    const proxy = await limited('exec("echo out", , $var(x))', { before: '$avp(x) = "kept";' })
    expect((await proxy.phone.nextReply(299)).reason).toBe('rc 1')
    expect(proxy.told()).toEqual(['1 out\n kept'])
    await proxy.expectNoTimerLeft()
  })

  it('does nothing to one that need not wait at all', async () => {
    const proxy = await limited('sleep(-1)', { before: '$var(x) = "a";' })
    expect((await proxy.phone.nextReply(299)).reason).toBe('rc -1')
    expect(proxy.told()).toEqual(['-1 a <null>'])
    await proxy.expectNoTimerLeft()
  })

  it('ends a transfer of rest_get() with −3: the connection is closed, the status is 0', async () => {
    let isClosed = false
    const server = await webServer(({ response }) => response.on('close', () => (isClosed = true)))
    const proxy = await limited('rest_get("@ORIGIN@/", $avp(x), , $var(x))', { names: { ORIGIN: server.origin } })
    await until(() => server.asked.length === 1)
    expect(await proxy.late()).toBe('rc -3')
    expect(proxy.told()).toEqual(['-3 0 <null>'])
    await until(() => isClosed)
    await proxy.expectNoTimerLeft()
  })

  it('ends a rest_get() that still connects with −2', async () => {
    const sockets: Socket[] = []
    const server = createServer(socket => void sockets.push(socket)).listen(await freePort(), '127.0.0.1')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await until(() => server.listening)
    const { port } = server.address() as { port: number }
    // The handshake of TLS never comes.
    const proxy = await limited('rest_get("https://127.0.0.1:@WEB@/", $var(x))', { names: { WEB: port } })
    await until(() => sockets.length === 1)
    expect(await proxy.late()).toBe('rc -2')
  })

  it('ends a command of exec() with −1: the script goes on at once, and the processes die', async () => {
    const proxy = await limited(
      'exec("trap \\"\\" TERM; echo $$$$ > @DIR@/pid; while :; do sleep 600; done", , $var(x))',
    )
    const file = join(proxy.folder, 'pid')
    await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'))
    const pid = Number(readFileSync(file, 'utf8'))
    expect(await proxy.late()).toBe('rc -1')
    expect(isAlive(pid)).toBe(true)
    await proxy.clock.advance(2000)
    await until(() => !isAlive(pid))
    await proxy.expectNoTimerLeft()
  })

  it('takes a command that waits for its turn out of the queue', async () => {
    const proxy = await limited('exec("trap \\"\\" TERM; echo on >> @DIR@/ran; while :; do sleep 600; done")', {
      top: 'modparam("exec", "max_processes", 1)',
    })
    const file = join(proxy.folder, 'ran')
    await until(() => existsSync(file))
    await proxy.askAgain()
    await proxy.late()
    await proxy.phone.nextReply(299)
    expect(readFileSync(file, 'utf8')).toBe('on\n')
  })

  it('ends wait_for_event() as its own time does, and the wait is gone', async () => {
    const proxy = await limited('wait_for_event("E_A", $avp(f), 30)', {
      top: 'modparam("event_routing", "async_timeout_code", -2)\nroute[other] { raise_event("E_A"); }',
    })
    await until(() => proxy.host.stats.find('event_routing:waits')?.read() === 1)
    expect(await proxy.late()).toBe('rc -2')
    expect(proxy.host.stats.find('event_routing:waits')?.read()).toBe(0)
    await proxy.expectNoTimerLeft()
  })

  it('gives −1 for a function that cannot be ended; what it brings too late reaches nothing', async () => {
    const answers: ((text: string) => void)[] = []
    const proxy = await limited('mi("test:answer", $avp(x))', {
      before: '$avp(x) = "before"; $var(x) = 1;',
      after: 'sleep(5); xlog("«then $avp(x)»\\n");',
      prepare: ({ host }) =>
        host.mi.register(
          'test',
          { answer: { doc: 'answers when it is told to', args: [] } },
          { answer: () => new Promise(resolve => answers.push(resolve)) },
        ),
    })
    expect(await proxy.late()).toBe('rc -1')
    expect(proxy.logged('function gave no result in time')).toBe(1)
    answers[0]?.('too late')
    await proxy.expectNoTimerLeft()
    expect(proxy.told()).toEqual(['-1 1 before', 'then before'])
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
