import { cloudEvents, json } from './json-forms.ts'
import { jsonRpc } from './json-rpc.ts'
import { textDatagram, textMessage } from './text.ts'
import type { EventCodec, MessageFormat, PayloadFraming } from './transport.ts'

const CODECS: Readonly<Record<MessageFormat, Readonly<Record<PayloadFraming, EventCodec>>>> = {
  jsonrpc: { datagram: jsonRpc, message: jsonRpc },
  text: { datagram: textDatagram, message: textMessage },
  json: { datagram: json, message: json },
  cloudevents: { datagram: cloudEvents, message: cloudEvents },
}

/** The codec of a form that goes into a message of its own. */
export function messageCodec(format: MessageFormat, framing: PayloadFraming): EventCodec {
  return CODECS[format][framing]
}
