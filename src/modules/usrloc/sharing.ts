import type { ModuleContext } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'
import type { LocationStore } from './location-store.ts'
import { matchingMode } from './matching.ts'
import type { StorageMode } from './modes.ts'
import type { usrlocParams } from './params.ts'
import { Replication } from './replication.ts'
import { type PingingMode, Responsibility } from './responsibility.ts'

type SharingContext = Pick<ModuleContext, 'clock' | 'find' | 'host' | 'log'> & {
  readonly params: ParamValues<typeof usrlocParams>
}

/** How contacts are shared with other nodes. Throws an Error where parameters contradict each other. */
export function openSharing(context: SharingContext, chosen: StorageMode | string, store: () => LocationStore) {
  const { clock, find, host, log, params } = context
  const clusterer = find('clusterer')
  const mode = typeof chosen === 'string' ? undefined : chosen.sharing
  const pinging = params.pinging_mode
  if (!isPingingMode(pinging)) throw new Error(`pinging_mode "${pinging}": expected cooperation or ownership`)
  const cluster = params.location_cluster
  const standbyCluster = params.ha_cluster === 0 ? cluster : params.ha_cluster
  if ((mode !== undefined || params.ha_shtag !== undefined) && clusterer === undefined)
    throw new Error('locations are to be shared in a cluster: is a loadmodule "clusterer.so" missing?')
  if (mode !== undefined && cluster < 1)
    throw new Error('full-sharing needs location_cluster, the number of the cluster')
  if (params.ha_shtag !== undefined && standbyCluster < 1)
    throw new Error('ha_shtag needs ha_cluster, the number of its cluster')
  const responsibility = new Responsibility({
    clusterer,
    sharing: mode === undefined ? null : { cluster, pinging },
    standby: params.ha_shtag === undefined ? null : { cluster: standbyCluster, tag: params.ha_shtag },
  })
  if (mode === undefined || clusterer === undefined)
    return { responsibility, replication: null, capability: null, node: null }
  const replication = new Replication({
    clock,
    log,
    store,
    names: {
      flagNames: mask => host.script.branchFlagNames(mask),
      flagMask: name => host.script.branchFlagBit(name),
      findSocket: text => host.proxy.findSocket(text) ?? null,
    },
    matching: matchingMode(params.matching_mode === 1 ? '1' : '0'),
    skipsDatabase: params.skip_replicated_db_ops !== 0,
  })
  const capability = clusterer.share(cluster, 'usrloc-contact-repl', replication.handlers(mode.syncs))
  responsibility.capability = capability
  return { responsibility, replication, capability, node: clusterer.node }
}

const isPingingMode = (text: string): text is PingingMode => text === 'cooperation' || text === 'ownership'
