import type { Capability, CapabilityHandlers } from '../../cluster/capability.ts'
import { CatchUp } from '../../cluster/catch-up.ts'
import { Removals } from '../../cluster/removals.ts'
import type { ModuleApis } from '../../module/define.ts'
import type { Counter } from '../../util/spec.ts'
import { changed } from './changes.ts'
import type { Dialog } from './dialog.ts'
import { leave } from './lifecycle.ts'
import type { Restorer } from './restore.ts'
import type { DialogServices } from './services.ts'
import { type EndMessage, type PutMessage, parseShared, putMessage, takeOver } from './shared-dialog.ts'

/** How many messages about dialogs went out and came in. */
type SharedCounters = Readonly<
  Record<'create_sent' | 'update_sent' | 'delete_sent' | 'create_recv' | 'update_recv' | 'delete_recv', Counter>
>

/** What a module keeps with dialogs that nodes share. */
export interface KeptWithDialogs {
  /** As JSON; undefined for nothing. */
  save(dialog: Dialog): unknown
  /** Takes what `save` gave on another node. */
  load(dialog: Dialog, data: unknown): void
}

interface ReplicationParts {
  readonly services: DialogServices
  readonly restorer: Restorer
  readonly clusterer: Pick<ModuleApis['clusterer'], 'node' | 'isActive' | 'watchTags'>
  readonly cluster: number
  readonly counters: SharedCounters
  /** Dialogs are asked of the other nodes at start. */
  readonly syncs: boolean
}

/**
 * Every node of a cluster knows the answered calls of all. One is responsible for each: it ends the call at its time, pings
 * its parties, writes it to the database and counts it in shared profiles. That is the node active for the sharing tag of
 * the dialog; without a tag the node the call came by, and when that is lost, of those left the one with the lowest number.
 */
export class DialogReplication {
  readonly #parts: ReplicationParts
  readonly #kept = new Map<string, KeptWithDialogs>()
  readonly #changed = new Set<Dialog>()
  readonly #removals = new Removals()
  readonly #catchUp: CatchUp
  #capability: Capability | null = null
  #isTaking = false

  constructor(parts: ReplicationParts) {
    this.#parts = parts
    const { services, clusterer, cluster } = parts
    this.#catchUp = new CatchUp({
      clock: services.clock,
      changedSince: sinceMs => this.#changedSince(sinceMs),
      send: (node, body) => this.#capability?.send(node, body) ?? 'failed',
    })
    services.observers.changed.push(dialog => this.#note(dialog))
    services.observers.ended.push(dialog => this.#tellEnd(dialog))
    clusterer.watchTags((tag, inCluster) => {
      if (inCluster === cluster) this.#judge(dialog => dialog.shtag === tag)
    })
  }

  /** What this node does for the cluster. */
  get handlers(): CapabilityHandlers {
    return {
      take: body => this.#take(body),
      provide: () => this.#changedSince(0),
      startsSynced: !this.#parts.syncs,
      nodeChanged: (node, isUp) => {
        this.#catchUp.nodeChanged(node, isUp)
        if (!isUp) this.#inherit(node)
      },
    }
  }

  /** Lets a module keep data with dialogs, under its name. */
  keep(name: string, kept: KeptWithDialogs): void {
    this.#kept.set(name, kept)
  }

  start(capability: Capability): void {
    this.#capability = capability
  }

  stop(): void {
    this.#capability = null
    this.#catchUp.stop()
  }

  /** Asks the others for their dialogs again. False: nobody can be asked. */
  resync(): boolean {
    return this.#capability?.resync() === true
  }

  /** `set_dlg_sharing_tag()` */
  setTag(dialog: Dialog, tag: string): void {
    dialog.shtag = tag
    this.#judge(other => other === dialog)
    changed(this.#parts.services, dialog, 'state')
  }

  /** What changes in one turn is told once. */
  #note(dialog: Dialog): void {
    if (this.#isTaking || !dialog.isActive || this.#capability === null) return
    if (this.#changed.size === 0) queueMicrotask(() => this.#tellChanged())
    this.#changed.add(dialog)
  }

  #tellChanged(): void {
    const { clusterer, counters, services } = this.#parts
    for (const dialog of this.#changed) {
      if (!dialog.isActive) continue
      if (dialog.owner === 0) dialog.owner = clusterer.node
      const isNew = dialog.sharedVersion === 0
      dialog.sharedVersion++
      dialog.sharedMs = services.clock.nowMs()
      if (isNew) this.#judge(other => other === dialog, [dialog])
      counters[isNew ? 'create_sent' : 'update_sent'].value++
      this.#capability?.broadcast(this.#bodyOf(dialog))
    }
    this.#changed.clear()
  }

  #tellEnd(dialog: Dialog): void {
    if (dialog.sharedVersion === 0) return
    const body: EndMessage = { op: 'end', id: dialog.databaseId }
    this.#removals.add(body.id, this.#parts.services.clock.nowMs(), body)
    this.#parts.counters.delete_sent.value++
    this.#capability?.broadcast(body)
  }

  #bodyOf(dialog: Dialog): PutMessage {
    const kept: Record<string, unknown> = {}
    for (const [name, { save }] of this.#kept) {
      const data = save(dialog)
      if (data !== undefined) kept[name] = data
    }
    return putMessage(this.#parts.services, dialog, kept)
  }

  *#changedSince(sinceMs: number): Generator<unknown> {
    yield* this.#removals.since(sinceMs)
    for (const dialog of this.#parts.services.table.all()) {
      if (!dialog.isActive || dialog.sharedMs < sinceMs) continue
      if (dialog.owner === 0) dialog.owner = this.#parts.clusterer.node
      if (dialog.sharedVersion === 0) dialog.sharedVersion = 1
      yield this.#bodyOf(dialog)
    }
  }

  #take(body: unknown): void {
    const message = parseShared(body)
    if (message === null) return
    this.#isTaking = true
    try {
      if (message.op === 'put') this.#put(message)
      else this.#end(message)
    } finally {
      this.#isTaking = false
    }
  }

  #put(message: PutMessage): void {
    const { counters, restorer, services } = this.#parts
    const { snapshot, version } = message
    if (this.#removals.timeOf(snapshot.row.dlg_id) >= 0) return
    const known = this.#find(snapshot.row.dlg_id)
    if (known !== undefined && (known.sharedVersion >= version || !known.isActive)) return
    const isNew = known === undefined
    const dialog =
      known ??
      restorer.fromSnapshot(snapshot, made => {
        made.owner = message.owner
        made.shtag = message.shtag
        made.isReplica = !this.#isOurs(made)
      })
    if (dialog === null || !dialog.isActive) return
    counters[isNew ? 'create_recv' : 'update_recv'].value++
    if (!isNew) takeOver(services, dialog, snapshot)
    dialog.owner = message.owner
    dialog.shtag = message.shtag
    dialog.sharedVersion = version
    dialog.sharedMs = services.clock.nowMs()
    for (const [name, data] of Object.entries(message.kept)) this.#kept.get(name)?.load(dialog, data)
    this.#judge(other => other === dialog, [dialog])
  }

  #end({ id }: EndMessage): void {
    const { counters, services } = this.#parts
    counters.delete_recv.value++
    this.#removals.add(id, services.clock.nowMs(), { op: 'end', id })
    const dialog = this.#find(id)
    if (dialog?.isActive === true) leave(services, dialog)
  }

  #find(id: string): Dialog | undefined {
    return this.#parts.services.table.findText(id)
  }

  /** A node is lost: its dialogs without a tag are taken by the one of those left with the lowest number. */
  #inherit(node: number): void {
    const { clusterer, services } = this.#parts
    const heir = Math.min(clusterer.node, ...(this.#capability?.nodes() ?? []))
    const orphans = [...services.table.all()].filter(dialog => dialog.owner === node && dialog.isActive)
    for (const dialog of orphans) dialog.owner = heir
    this.#judge(() => true, orphans)
  }

  #isOurs({ owner, shtag }: Dialog): boolean {
    const { cluster, clusterer } = this.#parts
    return shtag === '' ? owner === 0 || owner === clusterer.node : clusterer.isActive(shtag, cluster)
  }

  /** Settles whose the dialogs that are meant are now. */
  #judge(isMeant: (dialog: Dialog) => boolean, among: Iterable<Dialog> = this.#parts.services.table.all()): void {
    const { services } = this.#parts
    for (const dialog of [...among]) {
      const isReplica = !this.#isOurs(dialog)
      if (!isMeant(dialog) || !dialog.isActive || dialog.isReplica === isReplica) continue
      dialog.isReplica = isReplica
      for (const { profile, value } of dialog.memberships) profile.transfer(value, isReplica ? -1 : 1)
      if (isReplica) continue
      for (const observe of services.observers.taken) observe(dialog)
      changed(services, dialog, 'state')
    }
  }
}
