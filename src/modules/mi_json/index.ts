import { answerJsonGet } from '../../mi/doors/http-json-get.ts'
import { answerJsonRpc } from '../../mi/doors/http-json-rpc.ts'
import { parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'

/** Management by the address line of a browser, as mi_json of 2.x had it; posted JSON-RPC is answered too. */
export default defineModule(
  {
    name: 'mi_json',
    doc:
      'Answers `GET /<root>/<command>?params=a,b` and `GET /<root>?method=<command>&param1=a` with the JSON of ' +
      'OpenSIPS 2.x, and JSON-RPC 2.0 to what is posted.',
    depends: ['httpd'],
    params: {
      root: param('str', 'json', 'First segment of the path: `http://ip:port/<root>`.', {
        formerly: ['mi_json_root', 'json_root'],
      }),
      pretty_printing: param('int', 0, '1: indent answers to posted requests with tabs.'),
      commands: optionalParam(
        'str',
        'Commands that may be run here, `usrloc:*, evi:list, !core:kill`; all if not set.',
      ),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ host, params, use }) => {
    const rules = parseRules(params.commands)
    use('httpd').mount(params.root, 'mi_json', request =>
      request.method === 'GET'
        ? answerJsonGet(host.mi, request, rules)
        : answerJsonRpc(host.mi, request, params.pretty_printing !== 0, rules),
    )
    return {}
  },
)
