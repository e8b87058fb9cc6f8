import { defineTransport, type EventCodec, type Transport } from '../../src/events/transport.ts'
import { param } from '../../src/util/spec.ts'
import { parseXmlRpcAddress, type XmlRpcAddress } from './address.ts'
import { callCodec } from './encode.ts'
import { XmlRpcLink } from './link.ts'

/** `xmlrpc:` — events as XML-RPC calls over HTTP, delivered when the peer has answered without a fault. */
export default defineTransport(
  {
    module: 'event_xmlrpc',
    doc: 'Calls a method of an XML-RPC server for each event and reads the answer.',
    grammar: '"xmlrpc:" host ":" port [ path ] ":" method',
    examples: ['xmlrpc:127.0.0.1:8081:block_ip', 'xmlrpc:[::1]:8081/handlers/sip:on_event'],
    promises: { ordered: true, delivered: 'confirmed', noticesAbsence: true },
    params: {
      use_struct_param: param('int', 0, 'Send each named parameter as a struct of one member.'),
      sync_mode: param('int', 0, 'Every answer is read and none blocks the raise.', { ignored: true }),
    },
  },
  ({ params, clock }) => {
    // One codec a method, so that an event is encoded once for all servers that are called with it.
    const codecs = new Map<string, EventCodec>()
    const codecOf = (method: string): EventCodec => {
      const known = codecs.get(method)
      if (known !== undefined) return known
      const codec = callCodec(method, params.use_struct_param !== 0)
      codecs.set(method, codec)
      return codec
    }
    const transport: Transport<XmlRpcAddress> = {
      scheme: 'xmlrpc',
      parse: parseXmlRpcAddress,
      formats: [],
      open: (address, host) => host.buffered(new XmlRpcLink(address, codecOf(address.method), clock)),
    }
    return { transports: [transport] }
  },
)
