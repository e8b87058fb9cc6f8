import {
  AddressError,
  defineTransport,
  messageFormatOf,
  type Transport,
  type TransportHost,
} from '../../src/events/transport.ts'
import { optionalParam } from '../../src/util/spec.ts'
import { parseUdp, parseUnix, type UdpAddress, type UnixAddress } from './address.ts'
import { systemResolve } from './destination.ts'
import { UdpSink } from './udp-sink.ts'
import { UdpSockets } from './udp-sockets.ts'
import { UnixSink } from './unix-sink.ts'
import { openUnixSocket, type UnixSocket } from './unix-socket.ts'

/** Events as datagrams, over UDP and unix sockets (events reference §3.1). */
export default defineTransport(
  {
    module: 'event_datagram',
    doc: 'Sends each event as one datagram, at most 65457 bytes, to a UDP port or a unix datagram socket. UDP is delivered once the system has taken the datagram: a receiver that is away is not noticed. A unix socket that is missing, closed or full is noticed, and events wait for it.',
    grammar: '"udp:" ( host | "[" IPv6 address "]" ) ":" port | "unix:" path',
    examples: ['udp:127.0.0.1:8081', 'udp:[::1]:8081', 'udp:events.example.org:9000', 'unix:/run/events.sock'],
    promises: { ordered: true, delivered: 'accepted', noticesAbsence: false },
    params: {
      format: optionalParam(
        'str',
        'Payload: `jsonrpc`, `json`, `cloudevents`, or `text`, the form of versions 2.x. By default that of the era; a subscription may ask for its own.',
      ),
    },
  },
  ({ params, log, clock }) => {
    const preferred = messageFormatOf('event_datagram', params.format)
    const sockets = new UdpSockets(log)
    let unixSocket: UnixSocket | undefined

    const udp: Transport<UdpAddress> = {
      scheme: 'udp',
      parse: parseUdp,
      open: (address, host) => new UdpSink(address, host.codec('datagram', preferred), sockets, clock, systemResolve),
    }
    const unix: Transport<UnixAddress> = {
      scheme: 'unix',
      parse: parseUnix,
      open: (address, host: TransportHost) => {
        unixSocket ??= socketFor(address)
        return new UnixSink(address, host.codec('datagram', preferred), unixSocket, clock)
      },
    }
    return {
      transports: [udp, unix],
      stop: async () => {
        sockets.close()
        unixSocket?.close()
      },
    }
  },
)

function socketFor(address: UnixAddress): UnixSocket {
  try {
    return openUnixSocket()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AddressError(`unix sockets cannot be used here: ${reason}`, address.text, 0)
  }
}
