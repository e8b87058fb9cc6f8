import { describe, expect, it } from 'vitest'
import type { Advert } from '../../src/cluster/message.ts'
import { Topology } from '../../src/cluster/topology.ts'

const advert = (node: number, neighbours: readonly number[], more: Partial<Advert> = {}): Advert => ({
  node,
  started: 1,
  version: 1,
  url: `bin:10.0.0.${node}`,
  sipAddress: '',
  description: '',
  priority: 50,
  retries: 3,
  neighbours,
  ...more,
})

function topologyOf(...adverts: readonly Advert[]): Topology {
  const topology = new Topology()
  for (const one of adverts) topology.accept(one)
  return topology
}

const ways = (topology: Topology, neighbours: readonly number[]): object =>
  Object.fromEntries(topology.routes(1, neighbours))

describe('ways through a cluster', () => {
  it('go by the fewest nodes', () => {
    const topology = topologyOf(advert(2, [1, 3, 4]), advert(3, [2, 4]), advert(4, [2, 3, 5]), advert(5, [4]))
    expect(ways(topology, [2])).toEqual({ 2: 2, 3: 2, 4: 2, 5: 2 })
  })

  it('of the same length go by the node with the lowest priority, then by that with the lowest number', () => {
    const far = advert(4, [2, 3])
    expect(ways(topologyOf(advert(2, [1, 4]), advert(3, [1, 4]), far), [2, 3])).toMatchObject({ 4: 2 })
    const preferred = advert(3, [1, 4], { priority: 10 })
    expect(ways(topologyOf(advert(2, [1, 4]), preferred, far), [2, 3])).toMatchObject({ 4: 3 })
  })

  it('do not use a link that one end alone has', () => {
    expect(ways(topologyOf(advert(2, [3]), advert(3, [2])), [2])).toEqual({})
    expect(ways(topologyOf(advert(2, [1, 3]), advert(3, [])), [2])).toEqual({ 2: 2 })
  })

  it('end in rings', () => {
    const ring = topologyOf(advert(2, [1, 3]), advert(3, [2, 4]), advert(4, [3, 1]))
    expect(ways(ring, [2, 4])).toEqual({ 2: 2, 3: 2, 4: 4 })
  })
})

describe('what nodes say', () => {
  it('counts when it is newer: by the start, then by version', () => {
    const topology = topologyOf(advert(2, [1], { started: 5, version: 3 }))
    expect(topology.accept(advert(2, [], { started: 5, version: 3 }))).toBe(false)
    expect(topology.accept(advert(2, [], { started: 4, version: 9 }))).toBe(false)
    expect(topology.accept(advert(2, [], { started: 5, version: 4 }))).toBe(true)
    expect(topology.accept(advert(2, [7], { started: 6, version: 0 }))).toBe(true)
    expect(topology.get(2)?.neighbours).toEqual([7])
  })

  it('is not believed of a removed node until it is started anew', () => {
    const topology = topologyOf(advert(2, [1], { started: 5 }))
    expect([topology.remove(2, 5), topology.remove(2, 5)]).toEqual([true, false])
    expect(topology.get(2)).toBeUndefined()
    expect(topology.accept(advert(2, [], { started: 5, version: 99 }))).toBe(false)
    expect(topology.accept(advert(2, [], { started: 6 }))).toBe(true)
  })

  it('is kept of a thousand nodes at most', () => {
    const many = Array.from({ length: 1100 }, (_, i) => advert(i + 2, []))
    expect(topologyOf(...many).all().length).toBe(1000)
  })
})
