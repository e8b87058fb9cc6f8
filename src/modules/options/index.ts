import { defineModule, param } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { parseUri } from '../../sip/codec/uri.ts'

/** Answers to OPTIONS that are meant for the proxy itself (RFC 3261 §11.2; sl reference, options module). */
export default defineModule(
  {
    name: 'options',
    doc: 'Answers OPTIONS requests.',
    depends: ['signaling'],
    params: {
      accept: param('str', '*/*', 'Value of Accept.'),
      accept_encoding: param('str', '', 'Value of Accept-Encoding.'),
      accept_language: param('str', 'en', 'Value of Accept-Language.'),
      support: param('str', '', 'Value of Supported.'),
    },
    functions: {
      options_reply: {
        args: [],
        routes: ['request'],
        returns: '1 answered; −1 the method is not OPTIONS, the Request-URI names a user, or it cannot be answered',
        doc: 'Answers an OPTIONS request to the proxy with 200 and what the proxy supports.',
      },
    },
  },
  ({ params, log, use }) => {
    const headers =
      `Accept: ${params.accept}\r\nAccept-Encoding: ${params.accept_encoding}\r\n` +
      `Accept-Language: ${params.accept_language}\r\nSupported: ${params.support}\r\n`
    const reply = (m: RouteContext): Verdict => {
      const refusal = whyNotOurs(m)
      if (refusal !== null) {
        log.debug(refusal, { method: m.message.method, uri: m.target.uri })
        return -1
      }
      // Only this reply: one that the script gives later is about something else.
      const collected = m.replyHeaders
      m.replyHeaders += headers
      try {
        return use('signaling').reply(m, 200, 'OK') > 0 ? 1 : -1
      } finally {
        m.replyHeaders = collected
      }
    }
    return { functions: { options_reply: () => reply } }
  },
)

function whyNotOurs({ message, target }: RouteContext): string | null {
  if (message.method !== 'OPTIONS') return 'options_reply() answers OPTIONS only'
  const uri = parseUri(target.uri)
  if (uri === null) return 'options_reply() cannot read the Request-URI'
  return uri.user === '' ? null : 'options_reply() is for requests to the proxy itself: the Request-URI names a user'
}
