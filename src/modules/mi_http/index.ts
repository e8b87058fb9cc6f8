import { type HttpAnswer, type HttpRequest, type HttpStream, httpCaller } from '../../mi/doors/http.ts'
import { EventStreams } from '../../mi/doors/http-events.ts'
import { answerJsonRpc } from '../../mi/doors/http-json-rpc.ts'
import { LiveStreams } from '../../mi/doors/http-streams.ts'
import { parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'
import { followScript } from '../../module/follow-script.ts'
import { tailSource } from './tail-source.ts'

/** Management by JSON-RPC 2.0 over HTTP (mi_http reference), and streams for `fanfare tail` and `fanfare trace`. */
export default defineModule(
  {
    name: 'mi_http',
    doc: 'Answers management commands posted as JSON-RPC 2.0; streams live events under `/<root>/events` and what the script does under `/<root>/trace`.',
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
    const streams: Readonly<Record<string, Stream>> = {
      // Who may subscribe may watch.
      events: { live: new EventStreams(tailSource(host.bus), clock), command: 'evi:subscribe' },
      trace: {
        live: new LiveStreams((query, send) => followScript(host.script, query.get('filter'), send), clock),
        command: 'core:trace',
      },
    }
    const pretty = params.pretty_printing !== 0
    const rules = parseRules(params.commands)
    const watch = (request: HttpRequest, { live, command }: Stream): HttpAnswer | HttpStream => {
      const { rules: all = [] } = httpCaller('http', request, rules)
      return all.every(one => one.allows(host.mi.find(command)))
        ? live.answer(request)
        : { status: 403, contentType: 'text/plain', body: `${command} may not be run here` }
    }
    use('httpd').mount(params.root, 'mi_http', request => {
      const name = request.path[0] ?? ''
      const stream = Object.hasOwn(streams, name) ? streams[name] : undefined
      return stream === undefined ? answerJsonRpc(host.mi, request, pretty, rules) : watch(request, stream)
    })
    return {
      stop: () => {
        for (const { live } of Object.values(streams)) live.close()
      },
    }
  },
)

/** What is streamed, to those who may run a command. */
interface Stream {
  readonly live: LiveStreams
  readonly command: string
}
