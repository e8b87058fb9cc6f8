import type { DnsClient } from '../sip/net/dns-client.ts'
import type { Network, NetworkParts } from '../sip/net/network.ts'

/** What takes the place of the machine around a proxy. What is absent is the machine's own. */
export interface Surroundings {
  /** Asked for names instead of the system's name servers. */
  readonly dns?: DnsClient | undefined
  /** Makes the network that SIP comes over; it opens no socket of the machine if this one does not. */
  readonly makeNetwork?: ((parts: NetworkParts) => Network) | undefined
  /** What is kept on disk from one run to the next goes below this folder, whatever the configuration says. */
  readonly stateDirectory?: string | undefined
}
