import type { Destination, DestinationData } from './destination.ts'

/** Where destinations come from. */
export interface DestinationSource {
  /** Every destination, in the order of the source. Rejects with an Error when the source cannot be read as a whole. */
  load(): Promise<readonly DestinationData[]>
  /** Keeps the states of these. Absent where states are not kept. */
  save?(changed: readonly Destination[]): Promise<void>
}

/** Bits of the flags of a list file. */
export const ListFlag = { inactive: 1, probing: 2 } as const
