import { expect, onTestFinished } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

const HEAD = `
log_level=3
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
loadmodule "event_routing.so"
`

/** A proxy on a script that waits for events, with time that the test owns. */
export async function routingRig(script: string, settings = '') {
  const clock = new VirtualClock()
  const proxy = await startProxy(`${settings}\n${HEAD}\n${script}`, { clock })
  onTestFinished(async () => {
    // Time stands still, so what was left unanswered would be waited for in vain.
    await proxy.proxy.stop(AbortSignal.abort())
    await proxy.stop()
  })
  const { host } = proxy.proxy
  const alice = await SipUa.open('alice')
  const stat = (name: string): number | undefined => host.stats.find(name)?.read()
  return {
    proxy,
    clock,
    alice,
    port: proxy.port,
    log: proxy.log,
    stat,
    /** What the script logged by `xlog("said …")`, from there on. */
    said: (): string[] => proxy.log.flatMap(line => /\] \w+:said (.*)$/s.exec(line.trimEnd())?.[1] ?? []),
    errors: (): string[] => proxy.log.filter(line => /\b(ERROR|CRITICAL|ALERT):\w+: /.test(line)),
    mi: (command: string, params: object = {}): Promise<unknown> => host.mi.call(command, params),
    /** Raises an event by management. */
    raise: (event: string, params: object | readonly unknown[] = {}): Promise<unknown> =>
      host.mi.call('raise_event', { event, params }),
    /** Raises an event within this turn. */
    raiseNow: (
      event: string,
      names: readonly string[] | null,
      values: readonly (string | number | undefined)[],
    ): void => {
      const type = host.bus.catalogue.find(event)
      if (type === undefined) throw new Error(`no event ${event}`)
      host.bus.raise(type, names, values)
    },
    /** Asks the script something and waits for the answer. */
    ask: async (user: string, method = 'OPTIONS', headers = ''): Promise<number> => {
      const sent = alice.request(method, proxy.port, { uri: `sip:${user}@127.0.0.1`, headers })
      await until(() => alice.received.some(({ callId, status }) => callId === sent.callId && status >= 200))
      return alice.received.findLast(({ callId }) => callId === sent.callId)?.status ?? 0
    },
    /** Nothing is left of waits, of transactions, and of timers but those there were before. */
    expectNothingLeft: async (timersBefore: number): Promise<void> => {
      await clock.advance(40_000)
      await until(() => stat('running_notifications') === 0)
      expect([stat('event_routing:waits'), stat('inuse_transactions'), clock.pending]).toEqual([0, 0, timersBefore])
    },
  }
}

/** Lets the event loop turn until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(10_000)
  while (!isSo()) {
    if (patience.aborted) throw new Error(`this did not come true: ${isSo}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Lets the event loop turn a few times: enough for everything that was made ready. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}
