import { defineModule, param } from '../../module/define.ts'
import type { FreeSwitchApi } from './api.ts'
import { Servers } from './servers.ts'

/** Connections to the event sockets of FreeSWITCH servers, for the modules that use them (freeswitch reference). */
export default defineModule(
  {
    name: 'freeswitch',
    doc: 'Keeps connections to FreeSWITCH servers, one each, for the modules that watch or command them.',
    params: {
      event_heartbeat_interval: param('int', 1, 'How often the servers send their heartbeats.', { unit: 's' }),
      esl_connect_timeout: param('int', 5000, 'Most time a server has to let us in.', { unit: 'ms' }),
      esl_cmd_timeout: param('int', 5000, 'Most time the answer to a command is waited for.', { unit: 'ms' }),
      esl_cmd_polling_itv: param('int', 1000, 'Accepted; nothing polls for answers here.', {
        unit: 'µs',
        ignored: true,
      }),
    },
  },
  ({ clock, log, params }) => {
    for (const name of ['event_heartbeat_interval', 'esl_connect_timeout', 'esl_cmd_timeout'] as const)
      if (params[name] < 1) throw new Error(`${name}: expected at least 1, got ${params[name]}`)
    const settings = { connectTimeoutMs: params.esl_connect_timeout, commandTimeoutMs: params.esl_cmd_timeout }
    const servers = new Servers({ clock, log, settings }, params.event_heartbeat_interval * 1000)
    return { api: servers satisfies FreeSwitchApi, stop: () => servers.close() }
  },
)
