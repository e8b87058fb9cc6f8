import type { TransportModule } from '../events/transport.ts'
import type { ModuleContext, ModuleSpec } from './define.ts'
import type { AnyModule } from './load-order.ts'
import { functionBuilders, functionSpecs, type TransportFunction } from './transport-functions.ts'

/** A module that defines TLS client domains. */
interface TlsDomains {
  clientOptions(name: string): object | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: a list of transports whose specs all differ has no narrower common type
export type AnyTransport = TransportModule<any>

/** The proxy module by which scripts load an event transport. Its spec is the transport's; loading it makes the schemes known. */
export function asModule(transport: AnyTransport): AnyModule {
  const { module: name, aliases, doc, params, events, stats, commands, functions = {} } = transport.spec
  const own: ModuleSpec = { name, doc, params, events, stats, commands, after: ['tls_mgm'] }
  const spec: ModuleSpec = {
    ...own,
    ...(aliases === undefined ? {} : { aliases }),
    ...(Object.keys(functions).length === 0 ? {} : { functions: functionSpecs(functions) }),
  }
  return {
    spec,
    setup: ((context: ModuleContext) => {
      const find = context.find as (name: string) => TlsDomains | undefined
      const handlers = transport.setup({
        params: context.params,
        log: context.log,
        clock: context.clock,
        stats: context.stats,
        raise: context.raise,
        expand: format => context.host.script.format(format).read(context.host.script.dummyContext('event')),
        tlsDomain: name => find('tls_mgm')?.clientOptions(name) as Readonly<Record<string, unknown>> | undefined,
      })
      for (const one of handlers.transports) context.host.bus.registerTransport(one)
      const stop = handlers.stop
      return {
        ...(handlers.functions === undefined
          ? {}
          : {
              functions: functionBuilders(functions, handlers.functions as Record<string, TransportFunction>, context),
            }),
        ...(handlers.commands === undefined ? {} : { commands: handlers.commands }),
        // Sinks outlive the modules: what belongs to all of them goes when the bus has closed.
        ...(stop === undefined ? {} : { afterBus: () => stop() }),
      }
    }) as AnyModule['setup'],
  }
}
