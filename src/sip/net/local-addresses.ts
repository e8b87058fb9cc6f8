import { networkInterfaces } from 'node:os'
import { type Family, familyOf } from './address.ts'

/** One address of this machine. */
export interface LocalAddress {
  readonly address: string
  readonly family: 4 | 6
  /** Leading bits that name the network, −1 where unknown. */
  readonly prefixBits: number
  readonly isLoopback: boolean
  readonly interfaceName: string
}

/**
 * The addresses of this machine, loopback first, in the order of its interfaces. IPv6 link-local addresses are left out:
 * without a zone, which SIP cannot write, they lead nowhere.
 */
export function localAddresses(family: Family = 0): readonly LocalAddress[] {
  const found: LocalAddress[] = []
  for (const [interfaceName, list] of Object.entries(networkInterfaces())) {
    for (const { address, internal, cidr } of list ?? []) {
      const of = familyOf(address)
      if (of === 0 || (family !== 0 && of !== family) || address.startsWith('fe80:')) continue
      const prefixBits = Number(cidr?.split('/')[1] ?? -1)
      found.push({ address, family: of, prefixBits, isLoopback: internal, interfaceName })
    }
  }
  return found.sort((a, b) => Number(b.isLoopback) - Number(a.isLoopback))
}

/** The addresses of one interface, by its name (`eth0`). */
export function interfaceAddresses(name: string): readonly string[] {
  return localAddresses()
    .filter(local => local.interfaceName === name)
    .map(local => local.address)
}
