import { printServer, serverBetween } from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'

/** Where the messages of a `tcp:` or `jsonrpc:` socket go. */
export interface StreamAddress extends Address {
  readonly host: string
  readonly port: number
  /** What stands as `method` in a message; undefined: the name of the event. */
  readonly method: string | undefined
}

/**
 * Parses what follows the scheme: `host:port[/method]`. The method is all that follows the slash; an empty one is none.
 * An IPv6 address stands in brackets. Throws AddressError.
 */
export function parseStreamAddress(scheme: string, rest: string): StreamAddress {
  const slash = rest.indexOf('/')
  const end = slash < 0 ? rest.length : slash
  const { host, port } = serverBetween(rest, 0, end, 0)
  if (port === 0) throw new AddressError('expected ":" and a port after the host', rest, end)
  const tail = rest.slice(end)
  const method = tail.length > 1 ? tail.slice(1) : undefined
  const key = `${scheme}:${JSON.stringify([host, port, method ?? null])}`
  return { scheme, text: `${scheme}:${printServer({ host, port }, 0)}${tail}`, key, host, port, method }
}
