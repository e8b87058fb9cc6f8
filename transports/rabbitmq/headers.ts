import type { WireEvent } from '../../src/events/transport.ts'

/** AMQP 0-9-1 §4.2.5.5: names in a table are short strings. */
const NAME_BYTES = 255
/** A longer value is nothing to route by. */
const VALUE_BYTES = 1024
/** All headers together: the client has room for 64 KiB. */
const TOTAL_BYTES = 32_768

/**
 * What a headers exchange can route a message by: what identifies its event, under the names that the headers of other
 * transports have, and its parameters as `param.NAME`. Leaves out those without a name, NULL, and what is too long to
 * be a header.
 */
export function routingHeaders(event: WireEvent): Readonly<Record<string, string | number>> {
  const { name, origin, sequence, names, values } = event
  const headers: Record<string, string | number> = { node: origin.node, boot: origin.boot, sequence }
  if (Buffer.byteLength(name) <= VALUE_BYTES) headers['type'] = name
  let left = TOTAL_BYTES
  for (const [i, param] of (names ?? []).entries()) {
    const value = values[i]
    if (value === undefined || value === null) continue
    const key = `param.${param}`
    const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(String(value))]
    const bytes = keyBytes + valueBytes
    if (keyBytes > NAME_BYTES || valueBytes > VALUE_BYTES || bytes > left) continue
    headers[key] = value
    left -= bytes
  }
  return headers
}
