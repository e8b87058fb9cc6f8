import { text } from 'node:stream/consumers'
import { getHeapSnapshot } from 'node:v8'

/** Live things of each kind, such as `object:Dialog`, `string:`, `array:`. */
export interface HeapCensus {
  readonly counts: Readonly<Record<string, number>>
  /** Bytes of all of them, buffers outside of the heap included. */
  readonly bytes: number
}

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: string[]; readonly node_types: [string[]] } }
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

/** What the engine keeps for itself: code that has become hot, and what it knows of it. It grows while a program warms up. */
const OF_THE_ENGINE = new Set(['code', 'hidden', 'synthetic', 'object shape'])
/** Kinds whose names would be their contents. */
const NAMELESS = /string|number|bigint|symbol|regexp/

/** Counts what is reachable in this process now. */
export async function heapCensus(): Promise<HeapCensus> {
  const { snapshot, nodes, strings } = JSON.parse(await text(getHeapSnapshot())) as Snapshot
  const { node_fields: fields, node_types } = snapshot.meta
  const [typeAt, nameAt, sizeAt] = ['type', 'name', 'self_size'].map(name => fields.indexOf(name))
  const counts: Record<string, number> = {}
  let bytes = 0
  for (let at = 0; at < nodes.length; at += fields.length) {
    const type = node_types[0][nodes[at + (typeAt ?? 0)] ?? 0] ?? ''
    if (OF_THE_ENGINE.has(type)) continue
    const kind = `${type}:${NAMELESS.test(type) ? '' : strings[nodes[at + (nameAt ?? 0)] ?? 0]}`
    counts[kind] = (counts[kind] ?? 0) + 1
    bytes += nodes[at + (sizeAt ?? 0)] ?? 0
  }
  return { counts, bytes }
}
