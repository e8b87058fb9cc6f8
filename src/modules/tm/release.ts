import type { TmServices } from './services.ts'
import { shedLoad } from './shed-load.ts'
import type { Transaction } from './transaction.ts'

/** Forgets the transaction if nothing of it is left to wait for. */
export function releaseIfDone(services: TmServices, t: Transaction): void {
  const isAnswered = t.caller === null ? t.server === null : t.finalStatus !== 0
  if (t.isReleased || t.holds > 0) return
  if (!isAnswered || t.openClients > 0) {
    shedLoad(services, t)
    return
  }
  t.isReleased = true
  t.idleTimer?.clear()
  dropPhantom(t)
  for (const branch of t.branches) branch.stopTimerC()
  services.tables.servers.remove(t)
  for (const place of t.acks) services.tables.acks.remove(place)
  services.tables.all.delete(t)
}

/** Ends the wait for branches to be injected. */
export function dropPhantom(t: Transaction): void {
  t.phantom?.timer?.clear()
  t.phantom = null
}
