import type { ModuleApis } from '../../module/define.ts'
import type { Balancer } from './balancer.ts'
import type { Destination } from './destination.ts'
import { freeSwitchCapacity } from './resource.ts'

/** What is needed of the module that is connected to FreeSWITCH servers. */
type FreeSwitchApi = Pick<ModuleApis['freeswitch'], 'watch'>

/** Lets capacities follow the heartbeats of FreeSWITCH servers. */
export class CapacityWatch {
  readonly #api: FreeSwitchApi
  readonly #balancer: Balancer
  #ends: readonly (() => void)[] = []

  constructor(api: FreeSwitchApi, balancer: Balancer) {
    this.#api = api
    this.#balancer = balancer
  }

  /** Follows the servers of these destinations, and no longer those of earlier ones. */
  follow(destinations: readonly Destination[]): void {
    const before = this.#ends
    this.#ends = destinations.flatMap(destination =>
      destination.data.resources.flatMap(resource => {
        if (resource.freeswitch === null) return []
        const end = this.#api.watch(resource.freeswitch, state => {
          resource.max = freeSwitchCapacity(state, this.#balancer.load(destination, resource.name))
        })
        return [end]
      }),
    )
    for (const end of before) end()
  }
}
