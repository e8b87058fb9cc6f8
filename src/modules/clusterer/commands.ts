import type { Capabilities } from '../../cluster/capabilities.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterNode } from '../../cluster/cluster-node.ts'
import type { LinkState } from '../../cluster/link.ts'
import { parseSharingTag, type SharingTag, type SharingTags } from '../../cluster/sharing-tags.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import type { Commands } from '../../util/spec.ts'
import type { RemoteCommands } from './remote-commands.ts'

const clusterArg = arg('cluster_id', 'int', 'Number of the cluster.')
const nameArg = arg('cmd_name', 'str', 'The command.')
const paramsArg = optional(arg('cmd_params', 'list', 'Its positional parameters.'))

/** The management commands of clusterer. */
export const clustererCommands = {
  reload: {
    args: [],
    aliases: ['clusterer_reload'],
    doc: 'Reads the table of nodes anew; links to nodes that are as before go on.',
  },
  list: {
    args: [],
    aliases: ['clusterer_list'],
    doc: 'Lists the other nodes of each cluster, the links to them, and where messages to them go first.',
  },
  list_topology: {
    args: [],
    aliases: ['clusterer_list_topology'],
    doc: 'Lists the nodes of each cluster with the nodes that each has a link to.',
  },
  set_status: {
    args: [
      clusterArg,
      optional(arg('node_id', 'int', 'Another node: whether this one talks to it. This node if absent.')),
      arg('status', 'int', '1 enables, 0 disables.'),
    ],
    aliases: ['clusterer_set_status'],
    doc: 'Takes this node out of a cluster, or in again; or lets it talk to another node, or not.',
  },
  remove_node: {
    args: [clusterArg, arg('node_id', 'int', 'Number of the node.')],
    aliases: ['clusterer_remove_node'],
    doc: 'Removes a node from the cluster, on every node, until it is started anew (db_mode 0).',
  },
  send_mi: {
    args: [clusterArg, arg('destination', 'int', 'Number of the node.'), nameArg, paramsArg],
    aliases: ['clusterer_send_mi'],
    doc: 'Runs a management command on another node; its answer goes to the log there.',
  },
  broadcast_mi: {
    args: [clusterArg, nameArg, paramsArg],
    aliases: ['clusterer_broadcast_mi'],
    doc: 'Runs a management command on every node of a cluster, this one too, and gives the answer of this one.',
  },
  list_cap: {
    args: [],
    aliases: ['clusterer_list_cap'],
    doc: 'Lists what this node shares in each cluster, and whether it has what the others have.',
  },
  set_cap_status: {
    args: [
      clusterArg,
      arg('capability', 'str', 'Name of what is shared.'),
      arg('status', 'int', '1 enables, 0 disables.'),
    ],
    aliases: ['clusterer_set_cap_status'],
    doc: 'Lets this node share something with others, or not.',
  },
  list_shtags: {
    args: [],
    aliases: ['clusterer_list_shtags'],
    doc: 'Lists the sharing tags.',
  },
  shtag_set_active: {
    args: [arg('tag', 'str', 'The tag, `name/cluster`.')],
    aliases: ['clusterer_shtag_set_active'],
    doc: 'Makes this node active for a sharing tag, and all others backup.',
  },
} as const

interface CommandServices {
  readonly node: ClusterNode
  readonly tags: SharingTags
  readonly capabilities: Capabilities
  readonly remote: RemoteCommands
  /** Whether clusters are in a database. */
  readonly hasTable: boolean
  reload(): Promise<void>
}

/** What the commands do. */
export function clustererCommandHandlers({
  node,
  tags,
  capabilities,
  remote,
  hasTable,
  reload,
}: CommandServices): Commands<{ commands: typeof clustererCommands }> {
  const find = (id: number): Cluster => {
    const cluster = node.find(id)
    if (cluster === undefined) throw new MiError(404, 'Cluster id not found')
    return cluster
  }
  const perCluster = <T extends object>(rows: (cluster: Cluster) => T): object => ({
    Clusters: node.clusters.map(cluster => ({ cluster_id: cluster.id, ...rows(cluster) })),
  })
  return {
    reload: async () => {
      if (!hasTable) throw new MiError(400, 'Running in db mode 0: nothing to reload')
      await reload()
      return 'OK'
    },
    list: () => perCluster(cluster => ({ Nodes: nodeRows(cluster) })),
    list_topology: () =>
      perCluster(cluster => ({
        Nodes: cluster.topology().map(({ node: id, neighbours }) => ({ node_id: id, Neighbours: neighbours })),
      })),
    set_status: ({ cluster_id, node_id, status }) => {
      const cluster = find(cluster_id)
      const isEnabled = enabledBy(status)
      if (node_id === undefined || node_id === cluster.self.node) cluster.setEnabled(isEnabled)
      else if (!cluster.setNodeEnabled(node_id, isEnabled)) throw new MiError(404, 'Node id not found')
      return 'OK'
    },
    remove_node: ({ cluster_id, node_id }) => {
      if (hasTable) throw new MiError(400, 'Running in db mode 1: delete its row and reload')
      if (!find(cluster_id).removeNode(node_id)) throw new MiError(404, 'Node id not found')
      return 'OK'
    },
    send_mi: ({ cluster_id, destination, cmd_name, cmd_params = [] }) => {
      const result = remote.send(find(cluster_id), destination, cmd_name, cmd_params)
      if (result !== 'sent') throw new MiError(400, `Command not sent: node ${result}`)
      return 'OK'
    },
    broadcast_mi: async ({ cluster_id, cmd_name, cmd_params = [] }) =>
      remote.broadcast(find(cluster_id), cmd_name, cmd_params),
    list_cap: () =>
      perCluster(({ id }) => ({
        Capabilities: capabilities.of(id).map(({ name, isSynced, isEnabled }) => ({
          name,
          state: isSynced ? 'Ok' : 'not synced',
          enabled: isEnabled ? 'yes' : 'no',
        })),
      })),
    set_cap_status: ({ cluster_id, capability, status }) => {
      const found = capabilities.find(find(cluster_id).id, capability)
      if (found === undefined) throw new MiError(404, 'Capability not found')
      found.isEnabled = enabledBy(status)
      return 'OK'
    },
    list_shtags: () =>
      tags.all().map(({ name, cluster, isActive }) => ({ Tag: name, Cluster: cluster, State: stateOf(isActive) })),
    shtag_set_active: ({ tag }) => {
      const { name, cluster } = readTag(tag)
      tags.activate(name, find(cluster).id, 'MI command')
      return 'OK'
    },
  }
}

/** How a tag's state is written. */
export const stateOf = (isActive: boolean): 'active' | 'backup' => (isActive ? 'active' : 'backup')

function readTag(text: string): SharingTag {
  try {
    return parseSharingTag(text)
  } catch (error) {
    throw new MiError(400, error instanceof Error ? error.message : String(error))
  }
}

function enabledBy(status: number): boolean {
  if (status !== 0 && status !== 1) throw new MiError(400, 'Bad status: expected 0 or 1')
  return status === 1
}

const LINK_STATES: Readonly<Record<LinkState, string>> = { up: 'Up', probe: 'Probe', down: 'Down' }

function nodeRows(cluster: Cluster): object[] {
  return cluster.nodes().map(({ info, linkState, isEnabled, nextHop }) => ({
    node_id: info.node,
    db_id: info.rowId,
    url: info.url,
    link_state: LINK_STATES[linkState],
    state: isEnabled ? 'enabled' : 'disabled',
    next_hop: nextHop === null ? 'none' : String(nextHop),
    description: info.description === '' ? 'none' : info.description,
  }))
}
