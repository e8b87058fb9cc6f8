import type { EventBus } from '../events/bus.ts'

/** Fields of E_CORE_THRESHOLD, in wire order. */
const FIELDS = ['source', 'time', 'extra'] as const

/** Raises E_CORE_THRESHOLD: `source` took `tookUs`; `extra` is the message or name it was about. */
export function raiseThreshold(bus: EventBus, source: string, tookUs: number, extra: string): void {
  bus.raise(bus.catalogue.define('E_CORE_THRESHOLD', null, 'core'), FIELDS, [source, tookUs, extra])
}
