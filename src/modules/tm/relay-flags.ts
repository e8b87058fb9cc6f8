/** Flags of t_relay and t_replicate, with the bits their numeric form of OpenSIPS 2.x has. */
export const RelayFlag = {
  noTrying: 0x01,
  noAuto477: 0x02,
  noDnsFailover: 0x04,
  passReason: 0x08,
  allowNoCancel: 0x10,
} as const

const NAMES: Readonly<Record<string, number>> = {
  'no-auto-477': RelayFlag.noAuto477,
  'no-dns-failover': RelayFlag.noDnsFailover,
  'pass-reason-hdr': RelayFlag.passReason,
  'allow-no-cancel': RelayFlag.allowNoCancel,
}

/** The bits of a flag list, by names or as one number; null where it is neither. */
export function parseRelayFlags(text: string): number | null {
  const trimmed = text.trim()
  if (/^(0x[0-9a-f]+|\d+)$/i.test(trimmed)) return Number(trimmed)
  let bits = 0
  for (const name of trimmed.split(',').map(n => n.trim())) {
    const bit = NAMES[name]
    if (bit === undefined) return null
    bits |= bit
  }
  return bits
}

/** The names flags go by, for messages. */
export const RELAY_FLAG_NAMES = Object.keys(NAMES)
