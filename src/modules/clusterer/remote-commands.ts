import type { Cluster, SendResult } from '../../cluster/cluster.ts'
import type { ClusterNode, Sender } from '../../cluster/cluster-node.ts'
import { isRecord } from '../../cluster/message.ts'
import type { Log } from '../../log/log.ts'
import { type ManagementInterface, MiError } from '../../mi/management-interface.ts'

const TOPIC = 'management'

/** Management commands that nodes run for each other. Answers stay where they were made. */
export class RemoteCommands {
  readonly #mi: ManagementInterface
  readonly #log: Log

  constructor(node: ClusterNode, mi: ManagementInterface, log: Log) {
    this.#mi = mi
    this.#log = log
    node.handle(TOPIC, (sender, body) => void this.#run(sender, body))
  }

  send(cluster: Cluster, node: number, command: string, params: readonly unknown[]): SendResult {
    return cluster.send(node, TOPIC, { command, params })
  }

  /** Runs a command on every node, and gives the answer of this one. Rejects with its MiError. */
  async broadcast(cluster: Cluster, command: string, params: readonly unknown[]): Promise<unknown> {
    if (!cluster.isEnabled) throw new MiError(400, 'This node is disabled in the cluster')
    cluster.broadcast(TOPIC, { command, params })
    return (await this.#mi.call(command, params)) ?? 'OK'
  }

  async #run({ node }: Sender, body: unknown): Promise<void> {
    if (!isRecord(body) || typeof body['command'] !== 'string' || !Array.isArray(body['params'])) return
    const { command, params } = body
    try {
      await this.#mi.call(command, params)
      this.#log.info('ran a management command for another node', { node, command })
    } catch (error) {
      this.#log.error('a management command of another node failed', { node, command, reason: String(error) })
    }
  }
}
