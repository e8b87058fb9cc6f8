import { HtmlDoor } from '../../mi/doors/http-html.ts'
import { parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'
import { asctime } from '../../util/asctime.ts'

/** Management by pages for a browser (mi_html reference). */
export default defineModule(
  {
    name: 'mi_html',
    doc: 'Shows the management commands as web pages with a form for each.',
    depends: ['httpd'],
    params: {
      root: param('str', 'mi', 'First segment of the path: `http://ip:port/<root>`.', { formerly: ['mi_http_root'] }),
      http_method: param('int', 0, 'Commands are run by 0: GET, 1: POST.', { formerly: ['mi_http_method'] }),
      commands: optionalParam(
        'str',
        'Commands that may be run here, `usrloc:*, evi:list, !core:kill`; all if not set.',
      ),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ host, params, use }) => {
    const { http_method: method, root } = params
    if (method !== 0 && method !== 1) throw new Error(`mi_html: http_method is 0 (GET) or 1 (POST), got ${method}`)
    const { version, startedAtMs } = host.instance
    const door = new HtmlDoor(host.mi, {
      root,
      method: method === 0 ? 'GET' : 'POST',
      rules: parseRules(params.commands),
      version,
      since: asctime(startedAtMs),
    })
    use('httpd').mount(root, 'mi_html', request => door.answer(request))
    return {}
  },
)
