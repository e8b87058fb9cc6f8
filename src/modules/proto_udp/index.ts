import { defineModule, param } from '../../module/define.ts'

/** SIP over UDP. Sockets of this protocol work without it: it is there for its parameters. */
export default defineModule(
  {
    name: 'proto_udp',
    doc: 'SIP over UDP. `socket=udp:…` works without loading it.',
    params: {
      udp_port: param('int', 5060, 'Port of sockets without one: write it in `socket=`.', { ignored: true }),
    },
  },
  ({ log, given }) => ({
    start: () => {
      if (given.has('udp_port')) log.warn('udp_port has no effect: write the port in "socket=udp:HOST:PORT"')
    },
  }),
)
