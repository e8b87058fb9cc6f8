import { arg, functionGroup, type Host, optional } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { isStream, parseWrittenAddress } from '../../sip/net/address.ts'
import { DEFAULT_PORT } from '../../sip/net/endpoint.ts'

const viaHandling = ['force-rport', 'add-local-rport', 'reply-to-via', 'force-tcp-alias'] as const

/** Functions that send, or that say from where and how a message is sent. */
export const sendingFunctions = functionGroup(
  {
    forward: {
      args: [
        optional(
          arg('destination', 'str', '`host:port` or `proto:host:port`; `$du`, else the Request-URI, if absent.'),
        ),
      ],
      routes: 'any',
      returns:
        '1 sent; −473 a blacklist forbids the destination; −476 it cannot be resolved; −477 it could not be sent',
      doc: 'Forwards the request statelessly (RFC 3261 §16.11), with a Via whose branch retransmissions share.',
    },
    send: {
      args: [
        arg('destination', 'str', '`host:port` or `proto:host:port`.'),
        optional(arg('headers', 'str', 'Header lines to add.')),
      ],
      routes: 'any',
      returns: '1 sent; negative on failure',
      doc: 'Sends the message as it is, without a Via of ours.',
    },
    force_rport: {
      args: [],
      routes: 'any',
      aliases: ['add_rport'],
      returns: '1',
      doc: 'Answers this request to the port it came from, as if its Via had asked for it (RFC 3581).',
    },
    add_local_rport: {
      args: [],
      routes: 'any',
      returns: '1',
      doc: 'Puts `rport` into our own Via of this request (RFC 3581).',
    },
    force_tcp_alias: {
      args: [optional(arg('port', 'int', 'Port under which the connection may be reused.'))],
      routes: 'any',
      returns: '1 done, or the request came over UDP; −1 the connection is gone or has too many aliases',
      doc:
        'Uses the connection this request came on for requests to the port its sender listens on, by default that of ' +
        'its Via (RFC 5923).',
    },
    tcp_close_conn: {
      args: [arg('peer', 'str', '`ip:port` or `proto:ip:port` of the peer.')],
      routes: 'any',
      returns: '1 closed; −1 there is no such connection',
      doc: 'Closes the connection to a peer.',
    },
    set_via_handling: {
      args: [arg('flags', 'str', `Comma list of ${viaHandling.join(', ')}.`)],
      routes: 'any',
      returns: '1',
      doc: 'Sets several of the Via options at once.',
    },
    set_advertised_address: {
      args: [arg('address', 'str', 'Host to show in Via and Record-Route.')],
      routes: 'any',
      returns: '1',
      doc: 'Overrides the advertised address for this message.',
    },
    set_advertised_port: {
      args: [arg('port', 'str', 'Port to show in Via and Record-Route.')],
      routes: 'any',
      returns: '1; −1 not a port',
      doc: 'Overrides the advertised port for this message.',
    },
    force_send_socket: {
      args: [arg('socket', 'str', '`proto:ip:port` of one of our sockets.')],
      routes: 'any',
      returns: '1; −1 we do not listen there',
      doc: 'Sends this message from the given socket.',
    },
    is_myself: {
      args: [arg('host', 'str', 'Host name or address.'), optional(arg('port', 'int', 'Port; any if 0 or absent.'))],
      routes: 'any',
      returns: '1 ours; −1 not',
      doc: 'Whether the host is one of our sockets, advertised addresses or aliases.',
    },
  },
  ({ host }) => ({
    forward: destination => m => host.proxy.forward(m, destination?.read(m) ?? null),
    send: (destination, headers) => m => host.proxy.sendUnchanged(m, destination.read(m), headers?.read(m) ?? ''),
    force_rport: () => m => {
      m.forceRport = true
      return 1
    },
    add_local_rport: () => m => {
      m.addLocalRport = true
      return 1
    },
    force_tcp_alias: port => m => addAlias(host, m, port?.read(m) ?? 0),
    tcp_close_conn: peer => m => {
      const written = parseWrittenAddress(peer.read(m))
      if (written === undefined || written.port === 0) return -1
      return host.network.closeConnection(written.proto ?? 'tcp', written.host, written.port) ? 1 : -1
    },
    set_via_handling: flags => {
      const wrong = flags.constant?.split(',').find(f => !(viaHandling as readonly string[]).includes(f.trim()))
      if (wrong !== undefined) flags.reject(`unknown Via option "${wrong.trim()}": expected ${viaHandling.join(', ')}`)
      return m => {
        const given = flags
          .read(m)
          .split(',')
          .map(f => f.trim())
        if (given.includes('force-rport')) m.forceRport = true
        if (given.includes('add-local-rport')) m.addLocalRport = true
        if (given.includes('reply-to-via')) m.replyToVia = true
        return given.includes('force-tcp-alias') ? addAlias(host, m, 0) : 1
      }
    },
    set_advertised_address: address => m => {
      m.advertisedHost = address.read(m)
      return 1
    },
    set_advertised_port: port => m => {
      const number = Number(port.read(m))
      if (!Number.isInteger(number) || number < 1 || number > 65535) return -1
      m.advertisedPort = number
      return 1
    },
    force_send_socket: socket => m => {
      const found = host.proxy.findSocket(socket.read(m))
      if (found === undefined) return -1
      m.target.socket = found
      return 1
    },
    is_myself: (name, port) => m => (host.proxy.isMyself(name.read(m), port?.read(m) ?? 0) ? 1 : -1),
  }),
)

/** Port 0: that of the Via. */
function addAlias({ network }: Host, m: RouteContext, port: number): Verdict {
  const { proto, connectionId } = m.origin
  if (!isStream(proto)) return 1
  const listening = port > 0 ? port : m.message.topVia?.port || DEFAULT_PORT[proto]
  return network.connections.addAlias(connectionId, listening) ? 1 : -1
}
