import type { Cluster } from '../../cluster/cluster.ts'
import { type ClusterNode, VERDICTS } from '../../cluster/cluster-node.ts'
import { parseBinUrl } from '../../cluster/node-info.ts'
import type { Log } from '../../log/log.ts'
import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { addressBytes } from '../../script/ip-network.ts'
import type { ScriptMessages } from './requests.ts'

const clusterArg = arg('cluster_id', 'int', 'Number of the cluster.')
const messageArg = arg('msg', 'str', 'The message.')
const tagArg = arg('tag', 'var', 'Is set to the tag of the request, which its replies carry.')
const SENT = '1 sent; −1 this node is disabled in the cluster; −2 there is no way to the node; −3 it could not be sent'

/** The functions of clusterer. */
export const clustererFunctions = {
  cluster_broadcast_req: {
    args: [
      clusterArg,
      messageArg,
      optional(tagArg),
      optional(arg('include_self', 'int', 'Other than 0: this node gets it too.')),
    ],
    routes: 'any',
    returns: `${SENT}; 1 when it left for one node at least`,
    doc: 'Sends a request to every other node of a cluster, which raise E_CLUSTERER_REQ_RECEIVED.',
  },
  cluster_send_req: {
    args: [clusterArg, arg('dst_id', 'int', 'Number of the node.'), messageArg, optional(tagArg)],
    routes: 'any',
    returns: SENT,
    doc: 'Sends a request to one node, which raises E_CLUSTERER_REQ_RECEIVED.',
  },
  cluster_send_rpl: {
    args: [
      clusterArg,
      arg('dst_id', 'int', 'Number of the node that sent the request.'),
      messageArg,
      arg('tag', 'str', 'Tag of the request.'),
    ],
    routes: 'any',
    returns: SENT,
    doc: 'Answers a request of another node, which raises E_CLUSTERER_RPL_RECEIVED.',
  },
  cluster_check_addr: {
    args: [
      clusterArg,
      arg('ip', 'str', 'The address.'),
      optional(
        arg(
          'addr_type',
          'str',
          '`sip`: the address in `sip_addr` of a node, `bin`: that of its URL; either if absent.',
        ),
      ),
    ],
    routes: 'any',
    returns: '1 another node of the cluster has this address; −1 none has',
    doc: 'Tells whether an address belongs to another node of a cluster.',
  },
} as const

interface FunctionServices {
  readonly node: ClusterNode
  readonly messages: ScriptMessages
  readonly log: Log
}

/** What the functions do. */
export function clustererHandlers({
  node,
  messages,
  log,
}: FunctionServices): FunctionHandlers<typeof clustererFunctions> {
  const find = (m: RouteContext, id: Arg<number>): Cluster | undefined => {
    const cluster = node.find(id.read(m))
    if (cluster === undefined) log.error('this node is not in that cluster', { cluster: id.read(m) })
    return cluster
  }
  /** Runs `send` with a new tag, after that was written where the script wants it: so a reply never comes before it. */
  const withTag = (
    m: RouteContext,
    id: Arg<number>,
    tag: Arg<TagVariable> | undefined,
    send: (cluster: Cluster, tag: string) => Verdict,
  ): Verdict => {
    const cluster = find(m, id)
    if (cluster === undefined) return VERDICTS.failed
    const made = messages.makeTag(cluster)
    const isWritten = tag === undefined || tag.read(m).set(m, made)
    return isWritten ? send(cluster, made) : VERDICTS.failed
  }
  return {
    cluster_broadcast_req: (id, msg, tag, includeSelf) => m =>
      withTag(m, id, tag, (cluster, made) => {
        const text = msg.read(m)
        const sent = VERDICTS[messages.broadcast(cluster, text, made)]
        if ((includeSelf?.read(m) ?? 0) === 0) return sent
        return Math.max(sent, VERDICTS[messages.send('request', cluster, cluster.self.node, text, made)])
      }),
    cluster_send_req: (id, destination, msg, tag) => m =>
      withTag(
        m,
        id,
        tag,
        (cluster, made) => VERDICTS[messages.send('request', cluster, destination.read(m), msg.read(m), made)],
      ),
    cluster_send_rpl: (id, destination, msg, tag) => m => {
      const cluster = find(m, id)
      if (cluster === undefined) return VERDICTS.failed
      return VERDICTS[messages.send('reply', cluster, destination.read(m), msg.read(m), tag.read(m))]
    },
    cluster_check_addr: (id, ip, type) => {
      if (type?.constant !== undefined && !isAddressType(type.constant)) type.reject('expected "sip" or "bin"')
      return m => {
        const cluster = find(m, id)
        const wanted = addressBytes(ip.read(m))
        if (cluster === undefined || wanted === undefined) return -1
        return addressesOf(cluster, type?.read(m).toLowerCase()).some(address => isSame(address, wanted)) ? 1 : -1
      }
    },
  }
}

type TagVariable = { set(m: RouteContext, value: string): boolean }

const isAddressType = (text: string): boolean => /^(sip|bin)$/i.test(text)

/** Addresses of the other nodes; those of `bin` are what their URLs say, and where links to them lead. */
function addressesOf(cluster: Cluster, kind: string | undefined): readonly string[] {
  return cluster
    .nodes()
    .flatMap(({ info, remoteAddress }) => [
      ...(kind === 'bin' ? [] : [sipHost(info.sipAddress)]),
      ...(kind === 'sip' ? [] : [parseBinUrl(info.url)?.host ?? '', remoteAddress]),
    ])
}

/** `sip_addr` is an address, perhaps with scheme and port. */
function sipHost(text: string): string {
  const bare = text.trim().replace(/^sips?:/i, '')
  return /^\[([^\]]*)\]/.exec(bare)?.[1] ?? (bare.split(':').length === 2 ? (bare.split(':')[0] ?? '') : bare)
}

function isSame(address: string, wanted: readonly number[]): boolean {
  const bytes = addressBytes(address)
  return bytes !== undefined && bytes.join() === wanted.join()
}
