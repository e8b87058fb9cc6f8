import { expect } from 'vitest'
import type { EventRig } from './event-rig.ts'

/** A subscription as `subscribers_list` shows it. */
export interface Listed {
  readonly socket: string
  readonly health: string
  readonly raised: number
  readonly delivered: number
  readonly queued: number
  readonly failed?: number
  readonly in_flight?: number
  readonly dropped_overflow?: number
  readonly dropped_expired?: number
  readonly last_error?: string
}

/** The one subscription to E_V as management lists it; its numbers add up. */
export async function listed(rig: EventRig): Promise<Listed> {
  const answer = await rig.proxy.proxy.host.mi.call('subscribers_list', ['E_V'])
  const [entry] = (answer as { Event: { Subscribers: Listed[] } }).Event.Subscribers
  if (entry === undefined) throw new Error('nothing is subscribed to E_V')
  const { raised, delivered, queued, failed = 0, in_flight = 0, dropped_overflow = 0, dropped_expired = 0 } = entry
  expect(delivered + failed + dropped_overflow + dropped_expired + queued + in_flight, JSON.stringify(entry)).toBe(
    raised,
  )
  return entry
}

/** Sends requests numbered `from` to `to`; each is answered, and the numbers add up all the way. */
export async function raise(rig: EventRig, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    expect(await rig.request(String(n))).toBe(200)
    await listed(rig)
  }
}
