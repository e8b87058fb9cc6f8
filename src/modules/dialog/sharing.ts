import type { ModuleContext } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'
import type { dialogParams } from './params.ts'
import { ProfileSharing } from './profile-sharing.ts'
import { DialogReplication } from './replication.ts'
import type { Restorer } from './restore.ts'
import type { DialogServices } from './services.ts'

type SharingContext = Pick<ModuleContext, 'clock' | 'find'> & {
  readonly params: ParamValues<typeof dialogParams>
  readonly stats: ConstructorParameters<typeof DialogReplication>[0]['counters']
}

/** What of dialogs is shared with other nodes; begins and ends with the module. */
export interface DialogSharing {
  start(): void
  stop(): void
}

/** Shares dialogs and profiles as the parameters say. Throws an Error where they contradict each other. */
export function openSharing(
  { clock, find, params, stats }: SharingContext,
  services: DialogServices,
  restorer: Restorer,
): DialogSharing {
  const { dialog_replication_cluster: cluster, profile_replication_cluster: profileCluster } = params
  const profiles = [...services.profiles.all()].filter(({ scope }) => scope === 'cluster')
  const [first] = profiles
  if (first !== undefined && profileCluster === 0)
    throw new Error(`the profile "${first.name}/b" needs profile_replication_cluster, the number of a cluster`)
  const clusterer = find('clusterer')
  if (clusterer === undefined) {
    if (cluster === 0 && profileCluster === 0) return { start: () => {}, stop: () => {} }
    throw new Error('dialogs are to be shared in a cluster: is a loadmodule "clusterer.so" missing?')
  }
  const steps: DialogSharing[] = []
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
    start: () => {
      for (const { start } of steps) start()
    },
    stop: () => {
      for (const { stop } of steps) stop()
    },
  }
}
