import type { ModuleApis } from '../../module/define.ts'
import type { Destination } from './destination.ts'

type FreeSwitchApi = Pick<ModuleApis['freeswitch'], 'watch'>
type FreeSwitchState = Parameters<Parameters<FreeSwitchApi['watch']>[1]>[0]

/** The weight of a FreeSWITCH: the more of its sessions and of its processor are free, the nearer to `most`. */
export function freeSwitchWeight({ idleCpu, sessions, maxSessions }: FreeSwitchState, most: number): number {
  const free = maxSessions > 0 ? 1 - sessions / maxSessions : 0
  return Math.max(0, Math.round((most * free * idleCpu) / 100))
}

/** Lets weights follow the heartbeats of FreeSWITCH servers. */
export class WeightWatch {
  readonly #api: FreeSwitchApi
  readonly #most: number
  readonly #ends = new Map<string, readonly (() => void)[]>()

  constructor(api: FreeSwitchApi, most: number) {
    this.#api = api
    this.#most = most
  }

  /** Follows the servers of these destinations, and no longer those this partition had before. */
  follow(partition: string, destinations: readonly Destination[]): void {
    const before = this.#ends.get(partition) ?? []
    const ends = destinations.flatMap(destination => {
      const { freeswitch } = destination.data
      if (freeswitch === null) return []
      return [
        this.#api.watch(freeswitch, state => {
          destination.weight = freeSwitchWeight(state, this.#most)
        }),
      ]
    })
    this.#ends.set(partition, ends)
    for (const end of before) end()
  }

  close(): void {
    for (const end of [...this.#ends.values()].flat()) end()
    this.#ends.clear()
  }
}
