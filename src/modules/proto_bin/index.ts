import { BinEndpoint } from '../../cluster/bin-endpoint.ts'
import { BIN_PORT } from '../../cluster/node-info.ts'
import { defineModule, param } from '../../module/define.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    /** Where nodes reach each other. */
    proto_bin: BinEndpoint
  }
}

const NEVER_WAITS = 'Writing and connecting never block here.'
const LOOPBACK = /^(127\.|::1$|localhost$)/

/** The sockets on which nodes of a cluster reach each other, `socket=bin:IP:PORT`. */
export default defineModule(
  {
    name: 'proto_bin',
    doc: 'Sockets on which nodes of a cluster reach each other: `socket=bin:IP[:PORT]`.',
    params: {
      secret: param(
        'str',
        '',
        'What all nodes of the cluster have to know: messages are authenticated with it (HMAC-SHA256). Without one everybody ' +
          'who reaches the socket is believed. Nothing is encrypted.',
      ),
      bin_port: param('int', BIN_PORT, 'Port of sockets without one: write it in `socket=`.', { ignored: true }),
      bin_send_timeout: param('int', 100, NEVER_WAITS, { unit: 'ms', ignored: true }),
      bin_max_msg_chunks: param('int', 32, 'Messages may come in any number of pieces.', { ignored: true }),
      bin_async: param('int', 1, NEVER_WAITS, { ignored: true }),
      bin_async_max_postponed_chunks: param('int', 32, NEVER_WAITS, { ignored: true }),
      bin_async_local_connect_timeout: param('int', 100, NEVER_WAITS, { unit: 'ms', ignored: true }),
      bin_async_local_write_timeout: param('int', 10, NEVER_WAITS, { unit: 'ms', ignored: true }),
    },
  },
  ({ host, clock, log, params, given }) => {
    const endpoint = new BinEndpoint({ clock, log, secret: params.secret })
    host.binSockets.isServed = true
    return {
      api: endpoint,
      start: () => {
        if (given.has('bin_port')) log.warn('bin_port has no effect: write the port in "socket=bin:HOST:PORT"')
        const open = host.binSockets.addresses.filter(address => !LOOPBACK.test(address.host))
        if (params.secret === '' && open.length > 0)
          log.warn('other machines can pose as nodes of the cluster: set the parameter "secret"', {
            socket: open.map(address => `bin:${address.host}:${address.port}`).join(', '),
          })
      },
      listening: async () => {
        for (const address of host.binSockets.addresses) {
          await endpoint.listen(address)
          host.instance.addActivity(`bin receiver bin:${address.host}:${address.port}`)
        }
      },
      stop: () => endpoint.close(),
    }
  },
)
