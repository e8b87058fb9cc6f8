/** Where contacts are kept, and when they are written. */
export interface StorageMode {
  /** False: contacts are in the database alone and are read for each use. */
  readonly hasMemory: boolean
  /** Contacts are read from the database at start. */
  readonly loads: boolean
  /** When changes are written: never, before the one who asked gets an answer, or at intervals. */
  readonly writes: 'never' | 'through' | 'back'
  /** Set where every node of the cluster has all contacts. */
  readonly sharing?: Sharing
}

export interface Sharing {
  /** Contacts are asked of the other nodes at start. */
  readonly syncs: boolean
}

/** What the parameters say of it. */
export interface ModeParams {
  readonly db_mode: number
  readonly working_mode_preset: string | undefined
  readonly cluster_mode: string
  readonly restart_persistency: string
  readonly sql_write_mode: string
}

const MEMORY_ONLY: StorageMode = { hasMemory: true, loads: false, writes: 'never' }
const WRITE_THROUGH: StorageMode = { hasMemory: true, loads: true, writes: 'through' }
const WRITE_BACK: StorageMode = { hasMemory: true, loads: true, writes: 'back' }
const SQL_ONLY: StorageMode = { hasMemory: false, loads: false, writes: 'through' }

const FULL_SHARING: StorageMode = { ...MEMORY_ONLY, sharing: { syncs: true } }

const PRESETS: Readonly<Record<string, StorageMode>> = {
  'single-instance-no-db': MEMORY_ONLY,
  'single-instance-sql-write-through': WRITE_THROUGH,
  'single-instance-sql-write-back': WRITE_BACK,
  'sql-only': SQL_ONLY,
  'full-sharing-cluster': FULL_SHARING,
}
const CACHE_PRESETS = ['federation-cachedb-cluster', 'full-sharing-cachedb-cluster']
const CACHE_MODES = ['federation-cachedb', 'full-sharing-cachedb']
const DB_MODES = [MEMORY_ONLY, WRITE_THROUGH, WRITE_BACK, SQL_ONLY]

/** Whether a database is needed at all. */
export const usesDatabase = (mode: StorageMode): boolean => mode.loads || mode.writes !== 'never'

/** The mode the parameters ask for; a text says what is wrong with them. */
export function storageMode(params: ModeParams, given: ReadonlySet<string>): StorageMode | string {
  const preset = params.working_mode_preset
  if (preset !== undefined) return presetMode(preset)
  const names = ['cluster_mode', 'restart_persistency', 'sql_write_mode'] as const
  if (names.some(name => given.has(name))) return composedMode(params)
  return DB_MODES[params.db_mode] ?? `db_mode ${params.db_mode}: expected 0, 1, 2 or 3`
}

function presetMode(preset: string): StorageMode | string {
  const mode = PRESETS[preset]
  if (mode !== undefined) return mode
  if (CACHE_PRESETS.includes(preset)) return needsDocuments('working_mode_preset', preset, 'full-sharing-cluster')
  return `working_mode_preset "${preset}": expected one of ${Object.keys(PRESETS).join(', ')}`
}

function composedMode({ cluster_mode, restart_persistency, sql_write_mode }: ModeParams): StorageMode | string {
  if (CACHE_MODES.includes(cluster_mode)) return needsDocuments('cluster_mode', cluster_mode, 'full-sharing')
  if (cluster_mode === 'sql-only') return SQL_ONLY
  const isShared = cluster_mode === 'full-sharing'
  if (!isShared && cluster_mode !== 'none')
    return `cluster_mode "${cluster_mode}": expected none, full-sharing or sql-only`
  const loads = restart_persistency === 'load-from-sql'
  const syncs = restart_persistency === 'sync-from-cluster'
  if (syncs && !isShared) return 'restart_persistency "sync-from-cluster" needs cluster_mode "full-sharing"'
  if (!loads && !syncs && restart_persistency !== 'none')
    return `restart_persistency "${restart_persistency}": expected none, load-from-sql or sync-from-cluster`
  const writes = { none: 'never', 'write-through': 'through', 'write-back': 'back' } as const
  const when = Object.entries(writes).find(([name]) => name === sql_write_mode)?.[1]
  if (when === undefined) return `sql_write_mode "${sql_write_mode}": expected none, write-through or write-back`
  return { hasMemory: true, loads, writes: when, ...(isShared ? { sharing: { syncs } } : {}) }
}

function needsDocuments(name: string, value: string, instead: string): string {
  return `${name} "${value}" keeps locations in a document store (MongoDB, Cassandra), for which there is no module; between nodes of a cluster "${instead}" shares them`
}
