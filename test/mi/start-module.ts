import { EventBus } from '../../src/events/bus.ts'
import type { Host, ModuleApis, ModuleContext } from '../../src/module/define.ts'
import type { AnyModule } from '../../src/module/load-order.ts'
import { defaultSettings, type Settings } from '../../src/script/settings.ts'
import { systemClock } from '../../src/util/clock.ts'
import type { MemoryLog } from './memory-log.ts'
import { sampleInterface } from './sample-interface.ts'

/** A host with management and events, as far as the management modules need one. */
export interface ModuleStand {
  readonly host: Host
  readonly log: MemoryLog
  readonly apis: Partial<ModuleApis>
}

export function moduleStand(settings: Partial<Settings> = {}): ModuleStand {
  const { mi, log } = sampleInterface(systemClock)
  const bus = new EventBus({ clock: systemClock, log })
  const instance = { addActivity: () => {} }
  const host = { instance, mi, bus, clock: systemClock, settings: { ...defaultSettings(), ...settings } }
  return { host: host as unknown as Host, log, apis: {} }
}

interface Running {
  readonly api?: unknown
  start?(signal: AbortSignal): Promise<void> | void
  stop?(signal: AbortSignal): Promise<void> | void
}

/** Sets a module up with these parameters over its defaults. */
export function setUp(stand: ModuleStand, module: AnyModule, params: Record<string, unknown>): Running {
  const defaults = Object.entries(module.spec.params as Record<string, { default: unknown; repeat: boolean }>)
  const values = {
    ...Object.fromEntries(defaults.map(([name, spec]) => [name, spec.repeat ? [] : spec.default])),
    ...params,
  }
  const context = {
    host: stand.host,
    log: stand.log,
    clock: stand.host.clock,
    params: values,
    given: new Set(Object.keys(params)),
    use: (name: keyof ModuleApis) => stand.apis[name],
  }
  const running = module.setup(context as unknown as ModuleContext) as Running
  Object.assign(stand.apis, { [module.spec.name]: running.api })
  return running
}

export const NEVER = new AbortController().signal
