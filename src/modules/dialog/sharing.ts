import { cacheSystemOf } from '../../module/cache-systems.ts'
import type { ModuleContext } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'
import type { dialogParams } from './params.ts'
import { ProfileSharing } from './profile-sharing.ts'
import { ProfileStore } from './profile-store.ts'
import { DialogReplication } from './replication.ts'
import type { Restorer } from './restore.ts'
import type { DialogServices } from './services.ts'

type SharingContext = Pick<ModuleContext, 'clock' | 'find' | 'log' | 'use'> & {
  readonly params: ParamValues<typeof dialogParams>
  readonly stats: ConstructorParameters<typeof DialogReplication>[0]['counters']
}

/** What of dialogs is shared with other nodes; begins and ends with the module. */
export interface DialogSharing {
  /** Finds the key-value store, once those there are are known. Throws an Error where there is none. */
  useStore(): void
  start(): void
  stop(): void
}

/** Shares dialogs and profiles as the parameters say. Throws an Error where they contradict each other. */
export function openSharing(context: SharingContext, services: DialogServices, restorer: Restorer): DialogSharing {
  const { clock, find, params, stats } = context
  const { dialog_replication_cluster: cluster, profile_replication_cluster: profileCluster } = params
  const profiles = [...services.profiles.all()].filter(({ scope }) => scope === 'cluster')
  const [first] = profiles
  if (first !== undefined && profileCluster === 0)
    throw new Error(`the profile "${first.name}/b" needs profile_replication_cluster, the number of a cluster`)
  const store = () => useStore(context, services.profiles)
  const clusterer = find('clusterer')
  if (clusterer === undefined) {
    if (cluster === 0 && profileCluster === 0) return { start: () => {}, stop: () => {}, useStore: store }
    throw new Error('dialogs are to be shared in a cluster: is a loadmodule "clusterer.so" missing?')
  }
  const steps: Pick<DialogSharing, 'start' | 'stop'>[] = []
  if (profileCluster !== 0) {
    const sharing = new ProfileSharing({
      clock,
      profiles,
      intervalMs: params.replicate_profiles_timer,
      expireMs: params.replicate_profiles_expire * 1000,
      messageBytes: params.replicate_profiles_buffer,
    })
    const capability = clusterer.share(profileCluster, 'dialog-prof-repl', sharing.handlers)
    steps.push({ start: () => sharing.start(capability), stop: () => sharing.stop() })
  }
  if (cluster !== 0) {
    const syncs = params.cluster_auto_sync !== 0
    const replication = new DialogReplication({ services, restorer, clusterer, cluster, counters: stats, syncs })
    const capability = clusterer.share(cluster, 'dialog-dlg-repl', replication.handlers)
    services.replication = replication
    steps.push({ start: () => replication.start(capability), stop: () => replication.stop() })
  }
  return {
    useStore: store,
    start: () => {
      for (const { start } of steps) start()
    },
    stop: () => {
      for (const { stop } of steps) stop()
    },
  }
}

function useStore({ log, params, use }: SharingContext, profiles: DialogServices['profiles']): void {
  const stored = [...profiles.all()].filter(({ scope }) => scope === 'store')
  const [first] = stored
  if (first === undefined) return
  const url = params.cachedb_url
  if (url === undefined) throw new Error(`the profile "${first.name}/s" needs cachedb_url, the store that counts it`)
  const system = use('cache').find(cacheSystemOf(url))
  if (system === undefined) throw new Error(`cachedb_url: no module provides ${url}`)
  const prefixes = {
    value: params.profile_value_prefix,
    noValue: params.profile_no_value_prefix,
    size: params.profile_size_prefix,
  }
  const store = new ProfileStore({ system, log, prefixes, timeoutS: params.profile_timeout })
  for (const profile of stored) profile.stored = store
}
