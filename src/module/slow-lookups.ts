import type { DnsClient } from '../sip/net/dns-client.ts'
import type { Clock } from '../util/clock.ts'

/** Told of a question and how long its answer took. */
export type OnAnswer = (name: string, tookUs: number) => void

/** A DNS client with a watch on it (`exec_dns_threshold`): a question that took strictly longer than `thresholdUs` is told of. */
export function watchSlowLookups(dns: DnsClient, thresholdUs: number, clock: Clock, onSlow: OnAnswer): DnsClient {
  const timed = async <T>(name: string, ask: () => Promise<T>): Promise<T> => {
    const startedMs = clock.monotonicMs()
    try {
      return await ask()
    } finally {
      const tookUs = Math.round((clock.monotonicMs() - startedMs) * 1000)
      if (tookUs > thresholdUs) onSlow(name, tookUs)
    }
  }
  return {
    addresses: (host, family) => timed(host, () => dns.addresses(host, family)),
    srv: name => timed(name, () => dns.srv(name)),
    naptr: name => timed(name, () => dns.naptr(name)),
  }
}
