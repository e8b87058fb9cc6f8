import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule } from '../../module/define.ts'
import { hostPort } from '../../sip/net/address.ts'
import type { StreamConnection } from '../../sip/net/stream-connection.ts'

/** The open stream connections, for management. Always loaded. */
export default defineModule(
  {
    name: 'tcp',
    doc: 'Open connections of stream transports.',
    commands: {
      list: { args: [], doc: 'lists all ongoing TCP based connections', aliases: ['list_tcp_conns'] },
      close: {
        args: [arg('id', 'int', 'Id of the connection, as listed.')],
        doc: 'closes a TCP based connection',
        aliases: ['tcp_close'],
      },
    },
  },
  ({ host }) => ({
    commands: {
      list: () => ({ Connections: [...host.network.connections.all()].map(describe) }),
      close: ({ id }) => {
        const connection = host.network.connections.get(id)
        if (connection === undefined) throw new MiError(404, 'Connection not found')
        connection.close()
        return 'OK'
      },
    },
  }),
)

function describe(connection: StreamConnection): unknown {
  const { listenSocket } = connection
  return {
    ID: connection.id,
    Type: connection.proto,
    State: connection.isOpen ? 'OK' : 'CLOSED',
    Remote: hostPort(connection.remoteAddress, connection.remotePort),
    Local: hostPort(listenSocket.address, listenSocket.port),
    Direction: connection.isOutgoing ? 'out' : 'in',
  }
}
