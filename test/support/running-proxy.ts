import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningProxy, startFile } from '../../src/main.ts'
import type { DnsClient } from '../../src/sip/net/dns-client.ts'
import type { Clock } from '../../src/util/clock.ts'
import { freePort } from './ports.ts'

/** A proxy that serves a script given as text, on free ports of the loopback interface. */
export interface ProxyUnderTest {
  readonly proxy: RunningProxy
  /** Port of its UDP and its TCP socket on 127.0.0.1. */
  readonly port: number
  /** Every line of its log so far. */
  readonly log: readonly string[]
  /** A folder of its own, removed with `stop`. */
  readonly folder: string
  stop(): Promise<void>
}

interface ProxyOptions {
  readonly clock?: Clock
  /** Asked for names. */
  readonly dns?: DnsClient
  /** Keep the sockets of the script. */
  readonly ownSockets?: boolean
  /** Where another one was before: the same port and folder. The folder then stays. */
  readonly inPlaceOf?: Pick<ProxyUnderTest, 'port' | 'folder'>
}

/**
 * Starts a proxy on a script. In the text, `@PORT@` stands for the port it will listen on and `@DIR@` for its folder. Throws
 * with everything the proxy said when it does not start.
 */
export async function startProxy(script: string, options: ProxyOptions = {}): Promise<ProxyUnderTest> {
  const { inPlaceOf } = options
  const port = inPlaceOf?.port ?? (await freePort())
  const folder = inPlaceOf?.folder ?? mkdtempSync(join(tmpdir(), 'fanfare-test-'))
  const file = join(folder, 'test.cfg')
  writeFileSync(file, script.replaceAll('@PORT@', String(port)).replaceAll('@DIR@', folder))
  const log: string[] = []
  const started = await startFile({
    file,
    sockets: options.ownSockets === true ? [] : [`udp:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`],
    write: line => void log.push(line),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.dns === undefined ? {} : { dns: options.dns }),
  })
  const { proxy } = started
  if (proxy === null) {
    if (inPlaceOf === undefined) rmSync(folder, { recursive: true, force: true })
    throw new Error(`the proxy did not start:\n${started.text}${log.join('')}`)
  }
  return {
    proxy,
    port,
    log,
    folder,
    stop: async () => {
      await proxy.stop(AbortSignal.timeout(2_000))
      if (inPlaceOf === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
