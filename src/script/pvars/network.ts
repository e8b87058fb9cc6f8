import type { ListenSocket } from '../../sip/net/endpoint.ts'
import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import type { PvarHandler } from '../pvar.ts'
import type { PlacedSite } from '../text-compiler.ts'
import { type CorePvars, type PvarHost, placed, plain } from './core-pvar.ts'

const family = (address: string): Value => (address.includes(':') ? 'INET6' : 'INET')

/** What $socket_in(…) can be asked for. */
const SOCKET_FIELDS: Readonly<Record<string, (socket: ListenSocket) => Value>> = {
  ip: socket => socket.address,
  port: socket => socket.port,
  proto: socket => socket.proto,
  advertised_ip: socket => socket.advertisedHost,
  advertised_port: socket => socket.advertisedPort,
  tag: socket => socket.tag,
  anycast: () => 0,
  af: socket => family(socket.address),
}

/** Where the message came from, on which socket, and which one it is sent from. */
export function networkPvars(host: PvarHost): CorePvars {
  const setSocket = (m: RouteContext, value: Value): boolean => {
    const socket = value === null ? null : host.findSocket(String(value))
    if (socket === undefined) {
      host.log.error('no such socket', { socket: String(value) })
      return false
    }
    m.target.socket = socket
    return true
  }
  return {
    si: plain('str', 'Source address.', m => m.origin.address, { aliases: ['src_ip'] }),
    sp: plain('int', 'Source port.', m => m.origin.port, { aliases: ['src_port'] }),
    pr: plain('str', 'Protocol it came by.', m => m.origin.proto, { aliases: ['proto'] }),
    Ri: plain('str', 'Our address it came to.', m => m.origin.socket.address, { aliases: ['dst_ip'] }),
    Rp: plain('int', 'Our port it came to.', m => m.origin.socket.port, { aliases: ['dst_port'] }),
    af: plain('str', 'INET or INET6.', m => family(m.origin.address)),
    socket_in: placed(
      { type: 'any', writable: false, doc: 'The socket it came to, or a part of it.', inner: 'optional' },
      site => socketHandler(site, m => m.origin.socket),
    ),
    socket_out: placed(
      {
        type: 'any',
        writable: true,
        doc: 'The socket it is to be sent from, or a part of it; NULL when it is not forced.',
        inner: 'optional',
        aliases: ['fs'],
      },
      site => {
        const handler = socketHandler(site, m => m.target.socket)
        return site.inner === undefined ? { ...handler, set: setSocket } : handler
      },
    ),
  }
}

function socketHandler(site: PlacedSite, read: (m: RouteContext) => ListenSocket | null): PvarHandler {
  const { inner } = site
  if (inner === undefined) return { get: m => read(m)?.text ?? null }
  const field = SOCKET_FIELDS[inner.constant ?? '']
  if (field === undefined) return site.reject(`expected one of ${Object.keys(SOCKET_FIELDS).join(', ')}`)
  return {
    get: m => {
      const socket = read(m)
      return socket === null ? null : field(socket)
    },
  }
}
