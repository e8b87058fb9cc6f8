import { isRecord } from './message.ts'

/** Topic of all messages about synchronising. */
export const SYNC_TOPIC = 'sync'

/**
 * `want` asks for everything of a capability, under a number; `part` answers with some of it, `next` asks for more, `end` says
 * that was all, `none` that this node has nothing to give. `have` tells all that this node can be asked.
 */
export interface SyncMessage {
  readonly kind: 'want' | 'part' | 'next' | 'end' | 'none' | 'have'
  readonly capability: string
  readonly number: number
  readonly items: readonly unknown[]
}

const KINDS: readonly string[] = ['want', 'part', 'next', 'end', 'none', 'have']
const isKind = (value: unknown): value is SyncMessage['kind'] => typeof value === 'string' && KINDS.includes(value)

/** Reads a message about synchronising; null when it is none. */
export function parseSync(body: unknown): SyncMessage | null {
  if (!isRecord(body)) return null
  const { kind, capability, number, items } = body
  if (!isKind(kind) || typeof capability !== 'string' || typeof number !== 'number') return null
  return { kind, capability, number, items: Array.isArray(items) ? items : [] }
}
