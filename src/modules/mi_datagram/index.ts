import { parseAddressList } from '../../mi/doors/address-list.ts'
import { DatagramDoor, parseDatagramAddress } from '../../mi/doors/datagram.ts'
import { parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'
import { datagramWarning } from './warning.ts'

/** Management by JSON-RPC 2.0, or in the text form of 2.x, in datagrams, UDP or unix (mi_datagram reference). */
export default defineModule(
  {
    name: 'mi_datagram',
    doc: 'Takes management commands as datagrams, one request each, and answers to their senders.',
    params: {
      socket_name: optionalParam('str', 'Where to listen, `udp:host:port` or the path of a unix socket. Must be set.'),
      unix_socket_mode: param('int', 0o660, 'Permission bits of the unix socket.'),
      unix_socket_user: optionalParam('str', 'Owner of the unix socket, name or id.'),
      unix_socket_group: optionalParam('str', 'Group of the unix socket, name or id.'),
      socket_buf_size: param('int', 65457, 'Largest answer; a larger one becomes `500 Internal error`.', {
        unit: 'bytes',
      }),
      pretty_printing: param('int', 0, '1: indent answers with tabs.'),
      children_count: param('int', 1, 'There are no worker processes.', { ignored: true }),
      socket_timeout: param('int', 2000, 'Sending never waits.', { unit: 'ms', ignored: true }),
      reply_indent: param('str', '\t', 'What stands for a level in answers in the text form of 2.x.'),
      commands: optionalParam(
        'str',
        'Commands that may be run here, `usrloc:*, evi:list, !core:kill`; all if not set.',
      ),
      allow: optionalParam('str', 'Addresses and networks that are answered over UDP, `127.0.0.1, 10.0.0.0/8`.'),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ host, log, params }) => {
    const { socket_name: socketName } = params
    if (socketName === undefined) {
      throw new Error('mi_datagram needs its parameter socket_name: udp:host:port or the path of a unix socket')
    }
    const options = {
      address: parseDatagramAddress(socketName),
      mode: params.unix_socket_mode,
      user: params.unix_socket_user,
      group: params.unix_socket_group,
      pretty: params.pretty_printing !== 0,
      indent: params.reply_indent,
      rules: parseRules(params.commands),
      allowed: parseAddressList(params.allow),
      maxReplyBytes: params.socket_buf_size,
    }
    const door = new DatagramDoor(host.mi, options, log)
    return {
      warnings: () => [datagramWarning(socketName)].filter(warning => warning !== null),
      async start() {
        const warning = datagramWarning(socketName)
        if (warning !== null && host.settings.mi_require_auth !== 0)
          throw new Error(`${warning} (mi_require_auth is set)`)
        if (warning !== null) log.warn(warning)
        const address = await door.open()
        log.info('management datagram socket open', { address })
        host.instance.addActivity(`MI Datagram ${address}`)
      },
      stop: () => door.close(),
    }
  },
)
