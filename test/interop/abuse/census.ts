import { expect } from 'vitest'
import { type Scenario, until } from '../scenarios/rig.ts'

/** What a proxy holds: what every abuse must leave as it was. */
export interface Census {
  readonly transactions: number | undefined
  readonly connections: number
  readonly timers: number
  readonly sockets: number
  readonly waitingBytes: number
}

/** Counts what a proxy holds now. */
export function census({ proxy, clock, stat }: Scenario): Census {
  const { network } = proxy.host
  return {
    transactions: stat('inuse_transactions'),
    connections: network.connections.size,
    timers: clock.pending,
    sockets: network.sockets.length,
    waitingBytes: (stat('net:waiting_tcp') ?? 0) + (stat('net:waiting_udp') ?? 0),
  }
}

/** Lets everything expire that may, and asserts that the proxy then holds what it held before, and logged no error. */
export async function expectAsBefore(scenario: Scenario, before: Census): Promise<void> {
  await scenario.clock.advance(200_000)
  await until(() => scenario.proxy.host.network.connections.size === before.connections)
  await scenario.clock.advance(200_000)
  expect(census(scenario)).toEqual(before)
  expect(scenario.log.filter(line => /\b(ERROR|CRITICAL|ALERT):\w+: /.test(line))).toEqual([])
}
