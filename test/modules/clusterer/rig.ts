import { onTestFinished } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { until } from '../../support/until.ts'

/** A node of cluster 1 whose time the test owns. */
export interface TestNode {
  readonly id: number
  readonly binPort: number
  readonly clock: VirtualClock
  readonly proxy: ProxyUnderTest
  /** Every event of clusterer so far, oldest first, as JSON-RPC. */
  readonly events: readonly string[]
  mi(command: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** How many other nodes can be reached. */
  readonly up: number
  stop(): Promise<void>
}

export interface NodeOptions {
  readonly binPort?: number
  /** Numbers and ports of the nodes it is told of. */
  readonly neighbours?: readonly (readonly [number, number])[]
  /** More properties of `my_node_info`. */
  readonly properties?: string
  readonly secret?: string
  /** More of the script. */
  readonly script?: string
  readonly clock?: VirtualClock
}

/** Starts a node, stopped with the test. */
export async function startNode(id: number, options: NodeOptions = {}): Promise<TestNode> {
  const { neighbours = [], properties = '', secret, script = '', clock = new VirtualClock() } = options
  const binPort = options.binPort ?? (await freePort())
  const known = neighbours.map(
    ([node, port]) =>
      `modparam("clusterer", "neighbor_node_info", "cluster_id=1, node_id=${node}, url=bin:127.0.0.1:${port}")\n`,
  )
  const proxy = await startProxy(
    `socket=bin:127.0.0.1:${binPort}
     loadmodule "proto_bin.so"
     loadmodule "clusterer.so"
     ${secret === undefined ? '' : `modparam("proto_bin", "secret", "${secret}")`}
     modparam("clusterer", "db_mode", 0)
     modparam("clusterer", "my_node_id", ${id})
     modparam("clusterer", "my_node_info", "cluster_id=1, url=bin:127.0.0.1:${binPort}${properties}")
     ${known.join('')}
     ${script}
     ${/^\s*route\s*\{/m.test(script) ? '' : 'route { exit; }'}`,
    { clock },
  )
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    await proxy.stop()
  }
  onTestFinished(stop)
  const events: string[] = []
  const { bus, mi, stats } = proxy.proxy.host
  bus.tail((event, subscription) => {
    if (subscription === null && event.name.startsWith('E_CLUSTERER')) events.push(jsonRpc.encode(event).toString())
  })
  return {
    id,
    binPort,
    clock,
    proxy,
    events,
    mi: (command, params = {}) => mi.call(command, params),
    get up() {
      return stats.find('clusterer_nodes_up')?.read() ?? 0
    },
    stop,
  }
}

/** Waits until each node can reach all the others. */
export async function joined(...nodes: readonly TestNode[]): Promise<void> {
  await until(() => nodes.every(({ up }) => up === nodes.length - 1))
}

/** Two nodes that know each other. */
export async function startPair(options: NodeOptions = {}): Promise<readonly [TestNode, TestNode]> {
  const [first, second] = [await freePort(), await freePort()]
  const one = await startNode(1, { ...options, binPort: first, neighbours: [[2, second]] })
  const two = await startNode(2, { ...options, binPort: second, neighbours: [[1, first]] })
  await joined(one, two)
  return [one, two]
}
