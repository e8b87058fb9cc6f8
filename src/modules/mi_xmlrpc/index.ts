import { XmlRpcDoor } from '../../mi/doors/http-xml-rpc.ts'
import { parseRules } from '../../mi/permissions.ts'
import { defineModule, optionalParam, param } from '../../module/define.ts'

/** Management by XML-RPC over HTTP, results as their members are (mi_xmlrpc reference). */
export default defineModule(
  {
    name: 'mi_xmlrpc',
    doc: 'Answers management commands posted as XML-RPC; objects are structs, lists arrays.',
    depends: ['httpd'],
    params: {
      http_root: param('str', 'RPC2', 'First segment of the path: `http://ip:port/<http_root>`.'),
      commands: optionalParam(
        'str',
        'Commands that may be run here, `usrloc:*, evi:list, !core:kill`; all if not set.',
      ),
      trace_destination: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
      trace_bwlist: optionalParam('str', 'Tracing to HEP is not done here.', { ignored: true }),
    },
  },
  ({ host, log, params, use }) => {
    const door = new XmlRpcDoor(host.mi, { shape: 'members', rules: parseRules(params.commands) }, log)
    use('httpd').mount(params.http_root, 'mi_xmlrpc', request => door.answer(request))
    return {}
  },
)
