import type { Log } from '../../log/log.ts'
import type { SipProxy } from '../../proxy/proxy.ts'
import type { ScriptAccess } from '../../script/access.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import type { DispatcherParams } from './params.ts'
import type { Partition } from './partition.ts'
import type { Registry } from './registry.ts'
import type { Selector } from './selection.ts'
import type { Statuses } from './status.ts'

/** What the script functions work with. */
export interface DispatcherServices {
  readonly params: DispatcherParams
  readonly registry: Registry
  readonly selector: Selector
  readonly statuses: Statuses
  readonly script: ScriptAccess
  readonly log: Log
  readonly findSocket: SipProxy['findSocket']
  /** Reads the partition a call names; the default one without. A constant name must exist. */
  partitionArg(name: Arg<string> | undefined): (m: RouteContext) => Partition | undefined
}

/** How {@link DispatcherServices.partitionArg} finds partitions. */
export function partitionReader(registry: Registry): DispatcherServices['partitionArg'] {
  return name => {
    const constant = name?.constant
    if (name === undefined || constant === '') return () => registry.find()
    if (constant === undefined) return m => registry.find(name.read(m))
    const found = registry.find(constant)
    if (found === undefined)
      name.reject(`there is no partition "${constant}", expected one of ${registry.names().join(', ')}`)
    return () => found
  }
}
