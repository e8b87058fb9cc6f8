import type { Gateway } from './gateway.ts'

/** How a list is ordered for a call: as listed, or by chance in proportion to weights. */
export type SortAlgorithm = 'listed' | 'weights'

/** An element of a list: a gateway or a carrier. */
export interface Member {
  readonly to: Gateway | Carrier
  readonly weight: number
}

/** A carrier as the table describes it. */
export interface CarrierData {
  readonly id: string
  readonly members: readonly Member[]
  readonly sort: SortAlgorithm
  /** Only the first of its gateways that can be used is. */
  readonly isFirstOnly: boolean
  readonly attrs: string | null
}

/** A list of gateways under a name. */
export class Carrier {
  readonly data: CarrierData
  isEnabled: boolean
  isUnsaved = false

  constructor(data: CarrierData, isEnabled: boolean) {
    this.data = data
    this.isEnabled = isEnabled
  }

  get id(): string {
    return this.data.id
  }

  inherit({ isEnabled, isUnsaved }: Carrier): void {
    this.isEnabled = isEnabled
    this.isUnsaved = isUnsaved
  }
}

/** A gateway for one call, and through which carrier it was found. */
export interface Destination {
  readonly gateway: Gateway
  readonly carrier: Carrier | null
}

/** The gateways of a list in the order for one call, those left out that `isUsable` refuses. Each is there once. */
export function orderDestinations(
  members: readonly Member[],
  sort: SortAlgorithm,
  isUsable: (gateway: Gateway) => boolean,
): readonly Destination[] {
  const found = new Map<Gateway, Destination>()
  const add = (gateway: Gateway, carrier: Carrier | null): boolean => {
    if (!isUsable(gateway)) return false
    if (!found.has(gateway)) found.set(gateway, { gateway, carrier })
    return true
  }
  for (const { to } of arrange(members, sort)) {
    if (!(to instanceof Carrier)) add(to, null)
    else if (to.isEnabled)
      for (const inner of arrange(to.data.members, to.data.sort)) {
        const isAdded = !(inner.to instanceof Carrier) && add(inner.to, to)
        if (isAdded && to.data.isFirstOnly) break
      }
  }
  return [...found.values()]
}

function arrange(members: readonly Member[], sort: SortAlgorithm): readonly Member[] {
  return sort === 'listed' ? members : byChance(members)
}

/** Drawn one after the other in proportion to the weights; those of weight 0 come last, in any order. */
function byChance(members: readonly Member[]): readonly Member[] {
  const left = [...members]
  const drawn: Member[] = []
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0)
    const at = total === 0 ? Math.floor(Math.random() * left.length) : drawOne(left, Math.random() * total)
    drawn.push(...left.splice(at, 1))
  }
  return drawn
}

function drawOne(members: readonly Member[], at: number): number {
  let sum = 0
  const found = members.findIndex(({ weight }) => {
    sum += weight
    return at < sum
  })
  return found < 0 ? members.length - 1 : found
}
