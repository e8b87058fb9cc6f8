import { XmlRpcDoor } from '../../mi/doors/http-xml-rpc.ts'
import { parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'

/** Management by XML-RPC over HTTP with the answers of 2.x (mi_xmlrpc_ng reference). */
export default defineModule(
  {
    name: 'mi_xmlrpc_ng',
    doc: 'Answers management commands posted as XML-RPC in the shapes of OpenSIPS 2.x: trees in structs, or one text.',
    depends: ['httpd'],
    params: {
      http_root: param('str', 'RPC2', 'First segment of the path: `http://ip:port/<http_root>`.'),
      format_version: param('int', 2, '2: results are nested structs; 1: one indented text.'),
      commands: optionalParam(
        'str',
        'Commands that may be run here, `usrloc:*, evi:list, !core:kill`; all if not set.',
      ),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ host, log, params, use }) => {
    const { format_version: version } = params
    if (version !== 1 && version !== 2) throw new Error(`mi_xmlrpc_ng: format_version is 1 or 2, got ${version}`)
    const shape = version === 1 ? 'text' : 'tree'
    const door = new XmlRpcDoor(host.mi, { shape, rules: parseRules(params.commands) }, log)
    use('httpd').mount(params.http_root, 'mi_xmlrpc_ng', request => door.answer(request))
    return {}
  },
)
