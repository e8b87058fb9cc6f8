import { randomBytes } from 'node:crypto'
import type { Cluster, SendResult } from '../../cluster/cluster.ts'
import type { ClusterNode, Sender } from '../../cluster/cluster-node.ts'
import { isRecord } from '../../cluster/message.ts'

/** What scripts of nodes say to each other: a request, or the reply to one. */
export type ScriptMessageKind = 'request' | 'reply'

/** As the events tell it. */
export interface ScriptMessage {
  readonly cluster_id: number
  readonly src_id: number
  readonly msg: string
  readonly tag: string
}

const TOPICS = { request: 'script:request', reply: 'script:reply' } as const
const TAG_BYTES = 18

/** Messages between the scripts of nodes. */
export class ScriptMessages {
  readonly #node: ClusterNode

  /** `raise` is told of each that comes. */
  constructor(node: ClusterNode, raise: (kind: ScriptMessageKind, message: ScriptMessage) => void) {
    this.#node = node
    for (const kind of ['request', 'reply'] as const)
      node.handle(TOPICS[kind], (sender, body) => {
        const message = parseBody(sender, body)
        if (message !== null) raise(kind, message)
      })
  }

  /** A tag that no other request has: cluster, node and 24 random characters. */
  makeTag(cluster: Cluster): string {
    return `${cluster.id}-${cluster.self.node}-${randomBytes(TAG_BYTES).toString('base64url')}`
  }

  broadcast(cluster: Cluster, msg: string, tag: string): SendResult {
    return cluster.broadcast(TOPICS.request, { msg, tag })
  }

  /** Sends to one node. To this node itself it arrives in a later turn, as from another. */
  send(kind: ScriptMessageKind, cluster: Cluster, node: number, msg: string, tag: string): SendResult {
    if (node !== cluster.self.node) return cluster.send(node, TOPICS[kind], { msg, tag })
    if (!cluster.isEnabled) return 'disabled'
    setImmediate(() => this.#node.deliver(cluster, { source: node, topic: TOPICS[kind], body: { msg, tag } }))
    return 'sent'
  }
}

function parseBody({ cluster, node }: Sender, body: unknown): ScriptMessage | null {
  if (!isRecord(body) || typeof body['msg'] !== 'string' || typeof body['tag'] !== 'string') return null
  return { cluster_id: cluster.id, src_id: node, msg: body['msg'], tag: body['tag'] }
}
