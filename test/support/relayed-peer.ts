import type { Peer } from '../conformance/transport.ts'
import type { TcpRelay } from './tcp-relay.ts'

/** The far end itself: where it is, what has come, and how to let go of it. */
export type FarEnd = Pick<Peer, 'socket' | 'arrivals' | 'arrived' | 'close'>

/** A peer on a real server that goes away, hangs or breaks off, because what stands before it does. */
export function relayedPeer(relay: TcpRelay, farEnd: FarEnd): Peer {
  return {
    ...farEnd,
    stop: () => relay.stop(),
    start: () => relay.start(),
    hang: () => relay.hang(),
    cut: () => relay.cutNext(),
    close: async () => {
      await relay.stop()
      await farEnd.close()
    },
  }
}
