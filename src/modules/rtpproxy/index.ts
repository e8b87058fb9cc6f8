import { defineModule, field } from '../../module/define.ts'
import { parseControlAddress, parseSocketList, type SocketList } from './address.ts'
import { rtpproxyCommandHandlers, rtpproxyCommands } from './commands.ts'
import { controlFunctions, controlSpecs } from './control-functions.ts'
import { Engagements } from './engagement.ts'
import { mediaFunctions, mediaSpecs } from './functions.ts'
import { RtpProxyNode } from './node.ts'
import { NodeSets } from './node-sets.ts'
import { type Notification, NotificationServer } from './notifications.ts'
import { rtpproxyParams } from './params.ts'
import type { RtpProxyServices } from './services.ts'
import { loadSockets, RTPPROXY_TABLE } from './socket-table.ts'

/** Puts RTP proxies into the media of calls, and tells when they come and go (rtpproxy reference). */
export default defineModule(
  {
    name: 'rtpproxy',
    doc: 'Puts RTP proxies into the media of calls.',
    after: ['tm', 'dialog'],
    params: rtpproxyParams,
    tables: [RTPPROXY_TABLE],
    functions: { ...mediaSpecs, ...controlSpecs },
    commands: rtpproxyCommands,
    events: {
      E_RTPPROXY_STATUS: {
        doc: 'An RTP proxy starts or stops answering.',
        fields: {
          socket: field('str', 'Its address, as configured.'),
          status: field('str', '`active` or `inactive`.'),
        },
      },
      E_RTPPROXY_DTMF: {
        doc: 'An RTP proxy has heard a key.',
        fields: {
          digit: field('str', 'The key.'),
          duration: field('int', 'How long it was pressed.'),
          volume: field('int', 'How loud it was.'),
          id: field('str', 'Call-ID, or id of the dialog.'),
          is_callid: field('int', '1: `id` is a Call-ID; 0: that of a dialog.'),
          stream: field('int', '0 the caller has pressed it, 1 the callee.'),
        },
      },
    },
  },
  ({ host, clock, log, params, raise, find }) => {
    const patience = { timeoutMs: Math.round(Number(params.rtpproxy_timeout) * 1000), tries: params.rtpproxy_retr + 1 }
    const restMs = params.rtpproxy_disable_tout * 1000
    const changed = (node: RtpProxyNode, status: 'active' | 'inactive'): void => {
      log.notice('an RTP proxy has changed', { socket: node.url, status })
      raise.E_RTPPROXY_STATUS({ socket: node.url, status })
    }
    const sets = new NodeSets(
      params.default_set,
      (spec, index) => new RtpProxyNode(spec, index, { clock, log, patience, restMs, changed }),
    )
    const dialog = find('dialog') ?? null
    const tm = find('tm') ?? null
    const services: RtpProxyServices = {
      log,
      proxy: host.proxy,
      bridges: params.rtpproxy_autobridge !== 0,
      sets,
      dialog,
      tm,
      mark: markLine(params.nortpproxy_str),
      notifySocket: params.rtpp_notify_socket ?? null,
    }
    const engagements = dialog === null || tm === null ? null : new Engagements(services, dialog, tm)
    const use = { engage: false }
    const load = async (): Promise<void> => {
      const lists: SocketList[] = params.rtpproxy_sock.map(parseSocketList)
      const { db_url: url, db_table: table, rtpp_sock_col: socketColumn, set_id_col: setColumn } = params
      if (url !== undefined) lists.push(...(await loadSockets(host.db, { url, table, socketColumn, setColumn })))
      const { added } = sets.replace(lists)
      for (const node of added) if (isListening) void node.probe()
    }
    let isListening = false
    let notifications: NotificationServer | null = null
    const take = (notification: Notification): void => {
      const id = notification.tag.slice(2)
      const isCallId = notification.tag.startsWith('c:')
      if (notification.kind === 'dtmf') {
        const { digit, duration, volume, stream } = notification
        raise.E_RTPPROXY_DTMF({ digit, duration, volume, id, is_callid: isCallId ? 1 : 0, stream })
        return
      }
      log.info('the media of a call have stopped', { id })
      const call = isCallId ? null : (dialog?.find(id) ?? null)
      if (call !== null) dialog?.end(call, 'RTPProxy Timeout')
    }
    return {
      functions: { ...mediaFunctions(services, engagements, use), ...controlFunctions(services) },
      commands: rtpproxyCommandHandlers(sets, params.db_url === undefined ? null : load),
      start: async () => {
        if (use.engage && engagements === null)
          throw new Error('rtpproxy: rtpproxy_engage() needs the modules tm and dialog')
        if (!(patience.timeoutMs > 0))
          throw new Error(`rtpproxy: rtpproxy_timeout "${params.rtpproxy_timeout}": expected seconds, as in "0.5"`)
        await load()
        if (params.rtpp_notify_socket !== undefined) {
          notifications = new NotificationServer(take, address => isNode(sets, address))
          await notifications.listen(parseControlAddress(params.rtpp_notify_socket))
        }
      },
      // Not waited for: an RTP proxy that does not answer must not hold up the start.
      listening: () => {
        isListening = true
        for (const { nodes } of sets.all()) for (const node of nodes) void node.probe()
      },
      stop: async () => {
        sets.close()
        await notifications?.close()
      },
    }
  },
)

/** With the line end that a script may have left out, or written as text. */
function markLine(text: string): string {
  const line = text.replaceAll('\\r', '\r').replaceAll('\\n', '\n').trim()
  return line === '' ? '' : `${line}\r\n`
}

function isNode(sets: NodeSets, address: string): boolean {
  return sets
    .all()
    .some(({ nodes }) =>
      nodes.some(({ spec }) => spec.address.proto === 'unix' || [address, 'localhost'].includes(spec.address.host)),
    )
}
