import type { BinAddress } from './node-info.ts'

/** The `bin:` sockets of the script, between the part that reads them and the module that opens them. */
export class BinSockets {
  /** Set before modules start. */
  addresses: readonly BinAddress[] = []
  /** Whether a module opens them. */
  isServed = false
}
