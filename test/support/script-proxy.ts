import { onTestFinished } from 'vitest'
import { VirtualClock } from '../../src/util/virtual-clock.ts'
import { startProxy } from './running-proxy.ts'
import { SipUa } from './sip-ua.ts'

/** The script to run; each `@NAME@` of `names` is replaced. */
interface ScriptProxyOptions {
  /** `loadmodule`, `modparam` and further routes. */
  readonly top: string
  /** The body of the main route. */
  readonly route: string
  readonly names?: Readonly<Record<string, string | number>>
}

/** A proxy on a small script, a phone that asks it, and time that the test owns. It is stopped with the test. */
export async function scriptProxy({ top, route, names = {} }: ScriptProxyOptions) {
  let script = `log_level=3\nxlog_level=3\nloadmodule "sl.so"\nloadmodule "tm.so"\n${top}\nroute {\n${route}\n}\n`
  for (const [name, value] of Object.entries(names)) script = script.replaceAll(`@${name}@`, String(value))
  const clock = new VirtualClock()
  const started = await startProxy(script, { clock })
  // Time stands still, so what a test left unanswered would be waited for in vain.
  const stop = (): Promise<void> => started.proxy.stop(AbortSignal.abort())
  onTestFinished(async () => {
    await stop()
    await started.stop()
  })
  const { proxy, port, log, folder } = started
  const phone = await SipUa.open('phone')
  return {
    clock,
    port,
    log,
    folder,
    phone,
    host: proxy.host,
    /** What the script has printed between these signs: `xlog("«$var(x)»")`. */
    told: (): readonly string[] => [...log.join('').matchAll(/«([\s\S]*?)»/g)].map(([, text = '']) => text),
    /** Stops it at once; what is under way is given up. */
    stop,
    mi: (command: string, args?: unknown): Promise<unknown> => proxy.host.mi.call(command, args),
    logged: (part: string) => log.filter(line => line.includes(part)).length,
    /** Sends a MESSAGE and gives the phrase of the 299 that the script replies with. */
    ask: async (options: Parameters<SipUa['request']>[2] = {}): Promise<string> => {
      phone.request('MESSAGE', port, options)
      return (await phone.nextReply(299)).reason
    },
  }
}

export type ScriptProxy = Awaited<ReturnType<typeof scriptProxy>>
