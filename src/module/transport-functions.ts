import type { TransportFunctionSpec } from '../events/transport.ts'
import type { Arg, FunctionKind, PvarRef } from '../script/args.ts'
import type { RouteContext, Step, Verdict } from '../script/context.ts'
import type { ArgSpec, Value } from '../util/spec.ts'
import type { FunctionSpec, ModuleContext } from './define.ts'

/** What a transport gives for each of its functions, with its types forgotten. */
export type TransportFunction = (
  known: Readonly<Record<string, string | undefined>>,
) => (args: never) => boolean | Promise<boolean>
type AnyArg = Arg<string> | Arg<PvarRef> | undefined

const KINDS: Readonly<Record<string, FunctionKind>> = { str: 'str', list: 'var', route: 'str' }

/** The functions of a transport as those of a proxy module are declared. */
export function functionSpecs(
  specs: Readonly<Record<string, TransportFunctionSpec>>,
): Readonly<Record<string, FunctionSpec>> {
  const asArg = (arg: ArgSpec): ArgSpec<string, FunctionKind> => ({ ...arg, kind: KINDS[arg.kind] ?? 'str' })
  const entries = Object.entries(specs).map(([name, { args, doc, returns }]) => {
    const spec: FunctionSpec = { args: args.map(asArg), routes: 'any', doc, returns }
    return [name, spec] as const
  })
  return Object.fromEntries(entries)
}

/** The builders of the functions of a transport. */
export function functionBuilders(
  specs: Readonly<Record<string, TransportFunctionSpec>>,
  handlers: Readonly<Record<string, TransportFunction>>,
  context: ModuleContext,
): Readonly<Record<string, (...given: readonly AnyArg[]) => Step>> {
  const entries = Object.entries(specs).flatMap(([name, { args }]) => {
    const handler = handlers[name]
    return handler === undefined ? [] : [[name, builder(args, handler, context)] as const]
  })
  return Object.fromEntries(entries)
}

function builder(specs: TransportFunctionSpec['args'], handler: TransportFunction, context: ModuleContext) {
  return (...given: readonly AnyArg[]): Step => {
    const known = specs.map(({ name, kind }, i) => [name, kind === 'str' ? textKnown(given[i]) : undefined] as const)
    const send = attempt(() => handler(Object.fromEntries(known)), given[0])
    const read = (m: RouteContext) =>
      Object.fromEntries(specs.map(({ name, kind }, i) => [name, readAs(kind, given[i], m, context)] as const))
    return m => {
      const sent = send(read(m) as never)
      return typeof sent === 'boolean' ? verdict(sent) : sent.then(verdict)
    }
  }
}

const verdict = (isSent: boolean): Verdict => (isSent ? 1 : -1)

const textKnown = (arg: AnyArg): string | undefined => (typeof arg?.constant === 'string' ? arg.constant : undefined)

/** What the transport says of the call is reported at the call. */
function attempt<T>(work: () => T, arg: AnyArg): T {
  try {
    return work()
  } catch (error) {
    if (arg === undefined || !(error instanceof Error)) throw error
    return arg.reject(error.message)
  }
}

function readAs(kind: string, arg: AnyArg, m: RouteContext, context: ModuleContext): unknown {
  if (arg === undefined) return undefined
  const value = arg.read(m)
  if (kind === 'list') return typeof value === 'string' ? [] : value.all(m)
  return kind === 'route' ? routeRunner(String(value), context) : value
}

/** Runs a route by name, with these AVPs, on the dummy request. */
function routeRunner(name: string, { host, log }: ModuleContext) {
  return (avps: Readonly<Record<string, Value>>): void => {
    const { script } = host
    const step = script.route('request', name)
    if (step === undefined) {
      log.error('there is no such route', { route: name })
      return
    }
    const m = script.dummyContext('request')
    for (const [avp, value] of Object.entries(avps)) if (value !== null) m.avps.push(avp, value)
    void script.run(step, m)
  }
}
