/** A bound datagram socket. */
export interface DatagramSocket {
  /** As bound: `127.0.0.1:8080`, or the path. */
  readonly name: string
  /** Stops receiving and gives the address back. */
  close(): Promise<void>
}

/** Sends one answer datagram. Its outcome is not awaited; a failure is logged. */
export type DatagramReply = (text: Buffer) => void

/** Gets each datagram, its sender in words, and how to answer; `reply` is null when the sender has no address. */
export type DatagramReceiver = (bytes: Buffer, remote: string, reply: DatagramReply | null) => void
