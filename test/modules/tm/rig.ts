import { onTestFinished } from 'vitest'
import type { Host } from '../../../src/module/define.ts'
import { type LoadedModule, type ScriptTables, setUpModules } from '../../../src/module/set-up.ts'
import signaling from '../../../src/modules/signaling/index.ts'
import sl from '../../../src/modules/sl/index.ts'
import type { TmApi } from '../../../src/modules/tm/api.ts'
import tm from '../../../src/modules/tm/index.ts'
import type { Arg, FunctionKinds } from '../../../src/script/args.ts'
import type { RouteContext, RouteKind, Step, Verdict } from '../../../src/script/context.ts'
import { defaultSettings } from '../../../src/script/settings.ts'
import { engineRig, makeContext, parsed, request } from '../../proxy/rig.ts'

type Given = string | number | RegExp
/** Calls a script function on a message. */
export type Call = (m: RouteContext, name: string, ...args: Given[]) => Verdict | Promise<Verdict>
/** A route written in the test: what it gives, if it is a number or a promise of one, is its verdict. */
export type Route = (m: RouteContext, call: Call) => unknown

interface Options {
  readonly params?: Readonly<Record<string, number | string>>
  readonly main: Route
  readonly onreply?: Route
  /** By kind and name: `failure s`. */
  readonly routes?: Readonly<Record<string, Route>>
  readonly hosts?: Readonly<Record<string, string>>
  readonly settings?: Partial<ReturnType<typeof defaultSettings>>
}

/**
 * The modules tm, sl and signaling on a real engine with UDP and TCP sockets, a clock that the test owns, and routes
 * written in TypeScript.
 */
export async function tmRig(options: Options) {
  const functions = new Map<string, Step>()
  const tables: ScriptTables = { functions: new Map(), pvars: new Map(), events: new Set() }
  const call: Call = (m, name, ...args) => {
    const key = `${name} ${args.map(String).join(' ')}`
    const step = functions.get(key) ?? buildStep(tables, name, args)
    functions.set(key, step)
    const verdict = step(m)
    if (typeof verdict === 'number') m.rc = verdict
    return verdict
  }
  const asStep =
    (route: Route): Step =>
    m => {
      const verdict = route(m, call)
      return typeof verdict === 'number' || verdict instanceof Promise ? verdict : 1
    }
  const base = await engineRig({
    main: asStep(options.main),
    ...(options.onreply && { onreply: asStep(options.onreply) }),
    ...(options.hosts && { hosts: options.hosts }),
  })
  const commands = new Map<string, (args: never) => unknown>()
  const host = {
    proxy: base.engine,
    clock: base.clock,
    stats: base.stats,
    settings: { ...defaultSettings(), ...options.settings },
    instance: { version: 'fanfare test' },
    logger: { part: () => base.log },
    bus: {},
    mi: {
      register: (group: string, _specs: unknown, handlers: Record<string, (args: never) => unknown>) => {
        for (const [name, handler] of Object.entries(handlers)) commands.set(`${group}:${name}`, handler)
      },
    },
    script: {
      route: (kind: RouteKind, name: string) => {
        const route = options.routes?.[`${kind} ${name}`]
        return route === undefined ? undefined : asStep(route)
      },
      run: (step: Step, m: RouteContext) => step(m),
      dummyContext: (kind: RouteKind) => makeContext(kind, parsed(request()), {} as never),
      branchFlagBit: (name: string) => (name === 'minor' ? 1 : 2),
      branchFlagNames: (mask: number) => String(mask),
      flagBit: () => 1,
    },
  } as unknown as Host
  const params = new Map(Object.entries(options.params ?? {}))
  const modules: LoadedModule[] = setUpModules(
    [tm, sl, signaling],
    spec => (spec.name === 'tm' ? params : new Map()),
    host,
    tables,
  )
  await modules[0]!.handlers.start?.(AbortSignal.timeout(1000))
  onTestFinished(() => modules[0]!.handlers.stop?.(AbortSignal.timeout(1000)))
  return {
    ...base,
    api: modules[0]!.handlers.api as TmApi,
    port: base.socket('udp').port,
    stop: async () => modules[0]!.handlers.stop?.(AbortSignal.timeout(1000)),
    stat: (name: string) => base.stats.find(name)?.read(),
    command: (name: string, args: object) => commands.get(name)?.(args as never),
    pvar: (m: RouteContext, name: string, inner?: string, index?: number) =>
      openPvar(tables, name, inner, index).get(m),
    setPvar: (m: RouteContext, name: string, value: string | number | null, inner?: string) =>
      openPvar(tables, name, inner).set?.(m, value, false),
  }
}

function buildStep(tables: ScriptTables, name: string, args: readonly Given[]): Step {
  const known = tables.functions.get(name)
  if (known === undefined) throw new Error(`no script function ${name}`)
  return known.build(...(args.map(constant) as never[]))
}

function openPvar(tables: ScriptTables, name: string, inner?: string, index?: number) {
  const known = tables.pvars.get(name)
  if (known === undefined) throw new Error(`no variable ${name}`)
  return known.open({
    inner: inner === undefined ? undefined : constant(inner),
    index: index === undefined ? { kind: 'none' } : { kind: 'at', at: constant(index) },
    reject: (message: string) => {
      throw new Error(message)
    },
  } as never)
}

/** An argument that is known at load. */
export function constant<T extends FunctionKinds[keyof FunctionKinds] | Given>(value: T): Arg<T> {
  return {
    constant: value,
    text: String(value),
    read: () => value,
    reject: message => {
      throw new Error(message)
    },
  }
}

/** Lets the event loop turn until `check` comes true, for what sent messages cause without answering. */
export async function until(check: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(10_000)
  while (!check()) {
    if (patience.aborted) throw new Error(`this did not come true: ${check}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** A context as an event route gets. */
export function makeEventContext(): RouteContext {
  return makeContext('event', parsed(request()), {} as never)
}
