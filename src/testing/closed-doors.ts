import type { Lifecycle, ModuleContext } from '../module/define.ts'
import type { AnyModule } from '../module/load-order.ts'

/** Modules whose start opens sockets or pipes of the machine. */
const DOORS: ReadonlySet<string> = new Set(['httpd', 'mi_datagram', 'mi_fifo', 'proto_bin'])

/** The module as it is, or, of a module that opens something to the world, one that is set up and checked but opens nothing. */
export function closedDoor(module: AnyModule): AnyModule {
  if (!DOORS.has(module.spec.name)) return module
  const shut = { start: () => {}, listening: () => {}, stop: () => {} } satisfies Lifecycle
  return { spec: module.spec, setup: (context: ModuleContext) => ({ ...module.setup(context), ...shut }) }
}
