import { describe, expect, it } from 'vitest'
import { FloodTree, type FloodTreeOptions } from '../../../src/modules/pike/flood-tree.ts'
import { addressBytes } from '../../../src/script/ip-network.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'

const UNIT_MS = 2000

function rig(options: Partial<FloodTreeOptions> = {}) {
  const clock = new VirtualClock()
  const unblocked: string[] = []
  const tree = new FloodTree({
    clock,
    limit: 30,
    latencyMs: 120_000,
    onUnblock: ({ ip }) => void unblocked.push(ip),
    ...options,
  })
  clock.every(UNIT_MS, () => tree.endUnit())
  clock.every(1000, () => tree.removeExpired())
  const hit = (ip: string) => tree.hit(addressBytes(ip)!)
  /** The number of the first request that is not let through; 0 when all are. */
  const hits = (ip: string, count: number): number => {
    let first = 0
    for (let i = 1; i <= count; i++) if (hit(ip) !== 'calm' && first === 0) first = i
    return first
  }
  return { clock, tree, hit, hits, unblocked, blocked: () => tree.blocked().map(({ ip }) => ip) }
}

describe('a flood from one address, cold', () => {
  it.each([
    ['10.1.2.3', 30 + 2 + 30],
    ['2001:db8::1', 30 + 14 + 30],
  ])('%s is blocked at request %i', (ip, at) => {
    expect(rig().hits(ip, 300)).toBe(at)
  })

  it('is told from what follows it', () => {
    const { hit, hits } = rig()
    hits('10.1.2.3', 61)
    expect([hit('10.1.2.3'), hit('10.1.2.3'), hit('10.1.2.3')]).toEqual(['newly blocked', 'blocked', 'blocked'])
  })

  it('counts units for themselves: what two of them hold together is not too many', () => {
    const { clock, hits } = rig()
    hits('10.1.2.3', 32)
    expect(hits('10.1.2.3', 29)).toBe(0)
    clock.advanceSync(UNIT_MS)
    expect(hits('10.1.2.3', 29)).toBe(0)
    clock.advanceSync(UNIT_MS)
    expect(hits('10.1.2.3', 30)).toBe(30)
  })

  it('leaves its neighbours alone', () => {
    const { hits, hit, blocked } = rig()
    hits('10.1.2.3', 300)
    expect([hit('10.1.2.4'), hit('10.1.3.3'), hit('10.9.2.3'), hit('11.1.2.3')]).toEqual(Array(4).fill('calm'))
    expect(blocked()).toEqual(['10.1.2.3'])
  })

  it('below the limit is never blocked, however long it lasts', () => {
    const { clock, hits } = rig()
    for (let unit = 0; unit < 200; unit++) {
      expect(hits('10.1.2.3', 29)).toBe(0)
      clock.advanceSync(UNIT_MS)
    }
  })

  it('does not mix IPv4 with IPv6 addresses of the same bytes', () => {
    const { hits, hit } = rig()
    hits('32.1.13.184', 300)
    expect(hits('2001:db8::1', 73)).toBe(0)
    expect(hit('2001:db8::1')).toBe('newly blocked')
  })
})

describe('the end of a flood', () => {
  it('unblocks at the end of the second unit', () => {
    const { clock, hits, unblocked } = rig()
    clock.advanceSync(500)
    hits('10.1.2.3', 100)
    clock.advanceSync(3499)
    expect(unblocked).toEqual([])
    clock.advanceSync(1)
    expect(unblocked).toEqual(['10.1.2.3'])
  })

  it('does not unblock a source that goes on', () => {
    const { clock, hits, unblocked, hit } = rig()
    hits('10.1.2.3', 100)
    for (let unit = 0; unit < 20; unit++) {
      clock.advanceSync(UNIT_MS)
      hits('10.1.2.3', 30)
    }
    expect(unblocked).toEqual([])
    expect(hit('10.1.2.3')).toBe('blocked')
  })

  it('unblocks when the address is forgotten before the unit ends', () => {
    const { clock, hits, unblocked, blocked } = rig({ latencyMs: 1000 })
    clock.advanceSync(100)
    hits('10.1.2.3', 100)
    clock.advanceSync(1899)
    expect([unblocked, blocked()]).toEqual([[], ['10.1.2.3']])
    clock.advanceSync(1)
    expect([unblocked, blocked()]).toEqual([['10.1.2.3'], []])
  })

  it('by hand works at once, for blocked addresses only, and forgets the count', () => {
    const { hits, tree, unblocked } = rig()
    hits('10.1.2.3', 100)
    expect([tree.unblock([10, 1, 2, 3]), tree.unblock([10, 1, 2, 3]), tree.unblock([10, 1, 2])]).toEqual([
      true,
      false,
      false,
    ])
    expect(unblocked).toEqual([])
    expect(hits('10.1.2.3', 30)).toBe(30)
  })
})

describe('memory', () => {
  it('is given back when addresses fall silent, from the last byte up', () => {
    const { clock, hits, tree } = rig({ latencyMs: 10_000 })
    hits('10.1.2.3', 100)
    expect(tree.size).toBe(4)
    clock.advanceSync(11_000)
    expect(tree.size).toBe(3)
    clock.advanceSync(33_000)
    expect(tree.size).toBe(0)
  })

  it('a prefix that is hit rarely expires; one hit at a quarter of the limit stays', () => {
    const { clock, hits, tree } = rig({ latencyMs: 10_000 })
    for (let unit = 0; unit < 8; unit++) {
      hits('10.1.2.3', 6)
      hits('11.1.2.3', 7)
      clock.advanceSync(UNIT_MS)
      if (unit === 4) expect(tree.size).toBe(1)
    }
    expect(tree.size).toBe(2)
  })

  it('is bounded against floods from addresses made up', () => {
    const { tree } = rig({ maxNodes: 1000 })
    let seed = 1
    const next = (): number => (seed = (seed * 48_271) % 0x7fff_ffff) & 0xff
    for (let i = 0; i < 50_000; i++) tree.hit([0x20, 1, 0xd, 0xb8, ...Array.from({ length: 12 }, next)])
    expect(tree.size).toBeLessThanOrEqual(1000)
  })

  it('makes room by forgetting who was silent longest, and unblocks it', () => {
    const { hits, tree, unblocked } = rig({ maxNodes: 7 })
    hits('10.1.2.3', 100)
    hits('11.1.2.3', 31)
    expect(unblocked).toEqual([])
    hits('11.1.2.3', 1)
    expect([unblocked, tree.size]).toEqual([['10.1.2.3'], 7])
  })
})
