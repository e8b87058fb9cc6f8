import { EventStreams } from '../../mi/doors/http-events.ts'
import { answerJsonRpc } from '../../mi/doors/http-json-rpc.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'
import { tailSource } from './tail-source.ts'

/** Management by JSON-RPC 2.0 over HTTP (mi_http reference), and live events as a stream for `fanfare tail`. */
export default defineModule(
  {
    name: 'mi_http',
    doc: 'Answers management commands posted as JSON-RPC 2.0, and streams live events under `/<root>/events`.',
    aliases: ['mi_json'],
    depends: ['httpd'],
    params: {
      root: param('str', 'mi', 'First segment of the path: `http://ip:port/<root>`.', {
        formerly: ['mi_http_root', 'mi_json_root'],
      }),
      pretty_printing: param('int', 0, '1: indent answers with tabs.'),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ clock, host, params, use }) => {
    const streams = new EventStreams(tailSource(host.bus), clock)
    const pretty = params.pretty_printing !== 0
    use('httpd').mount(params.root, 'mi_http', request =>
      request.path[0] === 'events' ? streams.answer(request) : answerJsonRpc(host.mi, request, pretty),
    )
    return { stop: () => streams.close() }
  },
)
