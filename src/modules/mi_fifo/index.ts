import { FifoDoor } from '../../mi/doors/fifo.ts'
import { parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'

/** Management by JSON-RPC 2.0, or in the text form of 2.x, through a named pipe (mi_fifo reference). */
export default defineModule(
  {
    name: 'mi_fifo',
    doc: 'Takes management commands from a named pipe and writes the answers to pipes of the clients.',
    params: {
      fifo_name: param('str', '/tmp/opensips_fifo', 'Path of the pipe; made at start, removed at stop.'),
      fifo_mode: param('int', 0o660, 'Permission bits of the pipe; 0 stands for 0600.'),
      fifo_user: optionalParam('str', 'Owner of the pipe, name or id.'),
      fifo_group: optionalParam('str', 'Group of the pipe, name or id.'),
      reply_dir: param('str', '/tmp/', 'Put before the name of a reply pipe as it is, so it ends in a slash.'),
      pretty_printing: param('int', 0, '1: indent answers with tabs.'),
      reply_indent: param('str', '\t', 'What stands for a level in answers in the text form of 2.x.'),
      commands: optionalParam(
        'str',
        'Commands that may be run here, `usrloc:*, evi:list, !core:kill`; all if not set.',
      ),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ clock, host, log, params }) => {
    const options = {
      path: params.fifo_name,
      mode: params.fifo_mode === 0 ? 0o600 : params.fifo_mode,
      user: params.fifo_user,
      group: params.fifo_group,
      replyDirectory: params.reply_dir,
      pretty: params.pretty_printing !== 0,
      indent: params.reply_indent,
      rules: parseRules(params.commands),
    }
    const door = new FifoDoor(host.mi, options, clock, log)
    return {
      async start() {
        await door.open()
        log.info('management FIFO open', { path: options.path })
        host.instance.addActivity(`MI FIFO ${options.path}`)
      },
      stop: () => door.close(),
    }
  },
)
