import { Capabilities } from '../../cluster/capabilities.ts'
import { ClusterNode } from '../../cluster/cluster-node.ts'
import { isId } from '../../cluster/message.ts'
import { type NodeInfo, parseNodeInfo } from '../../cluster/node-info.ts'
import { parseSharingTag, SharingTags } from '../../cluster/sharing-tags.ts'
import { defineModule, field, gauge } from '../../module/define.ts'
import type { ParamValues } from '../../util/spec.ts'
import type { ClustererApi } from './api.ts'
import { clustererCommandHandlers, clustererCommands, stateOf } from './commands.ts'
import { clustererFunctions, clustererHandlers } from './functions.ts'
import { CLUSTERER_TABLE, readNodes } from './node-table.ts'
import { clustererParams } from './params.ts'
import { RemoteCommands } from './remote-commands.ts'
import { ScriptMessages } from './requests.ts'
import { sharingTagVariable } from './tag-variable.ts'

const messageEvent = (doc: string) => ({
  doc,
  fields: {
    cluster_id: field('int', 'The cluster.'),
    src_id: field('int', 'Node that sent it.'),
    msg: field('str', 'The message.'),
    tag: field('str', 'Tag of the request.'),
  },
  formerFields: { source_id: 'src_id' },
})

/** Messages, states and sharing tags among the nodes of clusters (clusterer reference). */
export default defineModule(
  {
    name: 'clusterer',
    doc: 'Makes this proxy a node of clusters: messages between scripts, states of nodes, sharing tags.',
    depends: ['proto_bin'],
    tables: [CLUSTERER_TABLE],
    params: clustererParams,
    functions: clustererFunctions,
    commands: clustererCommands,
    events: {
      E_CLUSTERER_REQ_RECEIVED: messageEvent('A request of the script of another node has come.'),
      E_CLUSTERER_RPL_RECEIVED: messageEvent('The reply of another node to a request has come.'),
      E_CLUSTERER_NODE_STATE_CHANGED: {
        doc: 'Another node can be reached from now on, or no longer.',
        fields: {
          cluster_id: field('int', 'The cluster.'),
          node_id: field('int', 'The node.'),
          new_state: field('int', '1 up, 0 down.'),
        },
      },
      E_CLUSTERER_SHARING_TAG_CHANGED: {
        doc: 'This node became active for a sharing tag, or backup.',
        fields: {
          name: field('str', 'The tag.'),
          cluster: field('int', 'Its cluster.'),
          state: field('str', '`active` or `backup`.'),
          reason: field('str', 'What changed it.'),
        },
      },
    },
    stats: {
      clusterer_nodes: gauge('Other nodes of all clusters.'),
      clusterer_nodes_up: gauge('Other nodes that can be reached.'),
      clusterer_nodes_down: gauge('Other nodes that cannot be reached.'),
    },
    pvars: {
      'cluster.sh_tag': {
        type: 'str',
        writable: true,
        inner: 'required',
        doc: 'State of the sharing tag `name/cluster`: `active` or `backup`; 1 and 0 can be assigned, too.',
      },
    },
  },
  ({ host, clock, log, params, raise, stats, use }) => {
    const { self, own, others } = readTopology(params)
    const node = new ClusterNode({
      endpoint: use('proto_bin'),
      clock,
      log,
      learns: params.db_mode === 0,
      reroutes: params.enable_rerouting !== 0,
      pings: {
        intervalMs: params.ping_interval * 1000,
        timeoutMs: params.ping_timeout,
        restMs: params.node_timeout * 1000,
      },
    })
    const tags = new SharingTags(node, clock)
    for (const text of params.sharing_tag) tags.define(parseSharingTag(text, true))
    const capabilities = new Capabilities({
      node,
      clock,
      settings: {
        seedFallbackMs: params.seed_fallback_interval * 1000,
        timeoutMs: params.sync_timeout * 1000,
        packetBytes: params.sync_packet_size,
      },
    })
    const messages = new ScriptMessages(node, (kind, message) => {
      if (kind === 'request') raise.E_CLUSTERER_REQ_RECEIVED(message)
      else raise.E_CLUSTERER_RPL_RECEIVED(message)
    })
    const read = async (): Promise<void> => {
      const url = host.db.urlOf(params.db_url)
      if (url === undefined) throw new Error('db_url is not set, and neither is db_default_url')
      const found = await readNodes(host.db, url, params, log)
      const mine = found.filter(info => info.node === self)
      if (mine.length === 0) throw new Error(`table ${params.db_table} has no row with node ${self}, which is this one`)
      node.configure(
        mine,
        found.filter(info => info.node !== self),
      )
    }
    node.watch(({ id }, other, isUp, reason) => {
      log.notice(isUp ? 'a node can be reached' : 'a node can no longer be reached', {
        cluster: id,
        node: other,
        reason,
      })
      host.status.report('clusterer', 'node_states', `Node ${other} of cluster ${id} is ${isUp ? 'UP' : 'DOWN'}`)
      raise.E_CLUSTERER_NODE_STATE_CHANGED({ cluster_id: id, node_id: other, new_state: isUp ? 1 : 0 })
    })
    tags.watch(({ name, cluster, isActive }, reason) => {
      const state = stateOf(isActive)
      log.notice('a sharing tag has changed', { tag: name, cluster, state, reason })
      host.status.report('clusterer', 'sharing_tags', `Tag ${name} of cluster ${cluster} is ${state}: ${reason}`)
      raise.E_CLUSTERER_SHARING_TAG_CHANGED({ name, cluster, state, reason })
    })
    for (const identifier of ['sharing_tags', 'node_states']) host.status.set('clusterer', identifier, 1, null)
    countNodes(node, stats)
    const api: ClustererApi = {
      node: self,
      share: (cluster, name, handlers) => capabilities.add(cluster, name, handlers),
      isActive: (tag, cluster) => tags.isActive(tag, cluster),
      watchTags: watcher => tags.watch(({ name, cluster, isActive }) => watcher(name, cluster, isActive)),
    }
    return {
      api,
      functions: clustererHandlers({ node, messages, log }),
      pvars: { 'cluster.sh_tag': sharingTagVariable(tags, log) },
      commands: clustererCommandHandlers({
        node,
        tags,
        capabilities,
        remote: new RemoteCommands(node, host.mi, log),
        hasTable: params.db_mode !== 0,
        reload: read,
      }),
      start: async () => {
        if (params.db_mode === 0) node.configure(own, others)
        else await read()
        requireClusters(node, [...tags.all(), ...capabilities.all()])
      },
      listening: () => {
        node.start()
        capabilities.start()
      },
      stop: () => {
        capabilities.stop()
        node.stop()
      },
    }
  },
)

interface ConfiguredTopology {
  /** Number of this node. */
  readonly self: number
  /** This node, once for each of its clusters. */
  readonly own: readonly NodeInfo[]
  readonly others: readonly NodeInfo[]
}

/** Throws an Error that names the parameter. */
function readTopology(params: ParamValues<typeof clustererParams>): ConfiguredTopology {
  const { my_node_id: self, db_mode } = params
  if (self === undefined || !isId(self)) throw new Error(`my_node_id: expected a number over 0, got ${self ?? 'none'}`)
  for (const name of ['ping_interval', 'ping_timeout', 'node_timeout', 'sync_timeout', 'sync_packet_size'] as const)
    if (params[name] < 1) throw new Error(`${name}: expected at least 1, got ${params[name]}`)
  const own = params.my_node_info.map(text => named('my_node_info', () => parseNodeInfo(text, self)))
  const others = params.neighbor_node_info.map(text => named('neighbor_node_info', () => parseNodeInfo(text)))
  if (db_mode !== 0) return { self, own: [], others: [] }
  if (own.length === 0) throw new Error('my_node_info must be set with db_mode 0')
  if (new Set(own.map(({ cluster }) => cluster)).size < own.length)
    throw new Error('my_node_info: this node stands twice in one cluster')
  const stray = others.find(({ cluster }) => !own.some(info => info.cluster === cluster))
  if (stray !== undefined)
    throw new Error(
      `neighbor_node_info: this node is not in cluster ${stray.cluster}, for which there is no my_node_info`,
    )
  return { self, own, others }
}

function named<T>(parameter: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${parameter} ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Throws an Error when something is shared in a cluster that this node is not in. */
function requireClusters(
  node: ClusterNode,
  shared: readonly { readonly name: string; readonly cluster: number }[],
): void {
  for (const { name, cluster } of shared)
    if (node.find(cluster) === undefined)
      throw new Error(`"${name}" is shared in cluster ${cluster}, but this node is not in that cluster`)
}

function countNodes(
  node: ClusterNode,
  stats: Record<'clusterer_nodes' | 'clusterer_nodes_up' | 'clusterer_nodes_down', { read: () => number }>,
): void {
  const count = (isCounted: (isUp: boolean) => boolean): number =>
    node.clusters.flatMap(cluster => cluster.nodes()).filter(({ nextHop }) => isCounted(nextHop !== null)).length
  stats.clusterer_nodes.read = () => count(() => true)
  stats.clusterer_nodes_up.read = () => count(isUp => isUp)
  stats.clusterer_nodes_down.read = () => count(isUp => !isUp)
}
