import { autoColumn, column } from '../../db/schema.ts'
import type { Host } from '../../module/define.ts'
import { type Queue, StoreMode } from './queue.ts'

/** The table of a queue; each has one of its own name. */
export const QUEUE_TABLE = {
  name: 'mqueue',
  version: 1,
  columns: { id: autoColumn, key: column('str'), value: column('str') },
} as const

/** Puts what the table of a queue holds into it. Rejects with a DatabaseError. */
export async function loadQueue(databases: Host['db'], url: string, queue: Queue): Promise<void> {
  if ((queue.settings.store & StoreMode.load) === 0) return
  const database = await databases.open(url)
  const table = await database.table(QUEUE_TABLE, { table: queue.settings.name, skipsVersion: true })
  for (const { key, value } of await table.select()) queue.add({ key, value })
}

/** Writes a queue into its table, in the place of what that held. Rejects with a DatabaseError. */
export async function saveQueue(databases: Host['db'], url: string, queue: Queue): Promise<void> {
  if ((queue.settings.store & StoreMode.save) === 0) return
  const database = await databases.open(url)
  const table = await database.table(QUEUE_TABLE, { table: queue.settings.name, skipsVersion: true })
  await table.delete([])
  for (const item of queue.items()) await table.insert(item)
}
