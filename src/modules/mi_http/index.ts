import { type HttpAnswer, type HttpRequest, type HttpStream, httpCaller } from '../../mi/doors/http.ts'
import { EventStreams } from '../../mi/doors/http-events.ts'
import { answerJsonRpc } from '../../mi/doors/http-json-rpc.ts'
import { type CommandRules, parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'
import { tailSource } from './tail-source.ts'

/** Management by JSON-RPC 2.0 over HTTP (mi_http reference), and live events as a stream for `fanfare tail`. */
export default defineModule(
  {
    name: 'mi_http',
    doc: 'Answers management commands posted as JSON-RPC 2.0, and streams live events under `/<root>/events`.',
    depends: ['httpd'],
    params: {
      root: param('str', 'mi', 'First segment of the path: `http://ip:port/<root>`.', {
        formerly: ['mi_http_root'],
      }),
      pretty_printing: param('int', 0, '1: indent answers with tabs.'),
      commands: optionalParam(
        'str',
        'Commands that may be run here, `usrloc:*, evi:list, !core:kill`; all if not set.',
      ),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ clock, host, params, use }) => {
    const streams = new EventStreams(tailSource(host.bus), clock)
    const pretty = params.pretty_printing !== 0
    const rules = parseRules(params.commands)
    /** Who may subscribe may watch. */
    const watch = (request: HttpRequest, rules: CommandRules | null): HttpAnswer | HttpStream => {
      const { rules: all = [] } = httpCaller('http', request, rules)
      return all.every(one => one.allows(host.mi.find('evi:subscribe')))
        ? streams.answer(request)
        : { status: 403, contentType: 'text/plain', body: 'evi:subscribe may not be run here' }
    }
    use('httpd').mount(params.root, 'mi_http', request =>
      request.path[0] === 'events' ? watch(request, rules) : answerJsonRpc(host.mi, request, pretty, rules),
    )
    return { stop: () => streams.close() }
  },
)
