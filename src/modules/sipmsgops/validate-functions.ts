import { arg, functionGroup, optional } from '../../module/define.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { MESSAGE_ROUTES } from './routes.ts'
import { type ValidateFlags, validate } from './validate.ts'

/** Functions that read the message as a whole. */
export const validateFunctions = functionGroup(
  {
    sipmsg_validate: {
      args: [
        optional(
          arg(
            'flags',
            'str',
            's: session description; h: more headers; m: Max-Forwards may be missing; r, f, t, c: hosts of Request-URI, From, To, Contact.',
          ),
        ),
        optional(arg('reason', 'var', 'Variable for what is wrong.')),
      ],
      routes: ['request', 'onreply', 'failure', 'branch'],
      returns: '1 valid; −2 … −30 what is wrong, by the reference; −255 something else',
      doc: 'Checks that the message follows the grammar and has the headers it needs.',
    },
    sip_to_json: {
      args: [arg('out', 'var', 'Variable for the text.')],
      routes: MESSAGE_ROUTES,
      returns: '1 written; −1 the variable cannot hold it',
      doc: 'Gives the message as JSON: first_line, headers (a list of values for each name) and body.',
    },
  },
  () => ({
    sipmsg_validate: (flags, reason) => {
      const constant = flags?.constant
      if (constant !== undefined && !/^[shmrftc]*$/.test(constant)) flags?.reject('expected letters of "shmrftc"')
      return m => {
        const fault = validate(m.message, flagsOf(flags?.read(m) ?? ''), m.origin.proto !== 'udp')
        if (fault === null) return m.message.fault === null ? 1 : -255
        reason?.read(m).set(m, fault.reason, true)
        return fault.code
      }
    },
    sip_to_json: out => m => (out.read(m).set(m, toJson(m.message), true) ? 1 : -1),
  }),
)

function flagsOf(text: string): ValidateFlags {
  return {
    sdp: text.includes('s'),
    headers: text.includes('h'),
    anyMaxForwards: text.includes('m'),
    requestUri: text.includes('r'),
    from: text.includes('f'),
    to: text.includes('t'),
    contact: text.includes('c'),
  }
}

function toJson(message: SipMessage): string {
  const headers = new Map<string, string[]>()
  for (let i = 0; i < message.headerCount; i++) {
    const name = message.headerName(i)
    headers.set(name, [...(headers.get(name) ?? []), message.headerValue(i)])
  }
  return JSON.stringify({
    first_line: message.bytes.toString('utf8', 0, message.headersStart).trimEnd(),
    headers: Object.fromEntries(headers),
    content_type: message.value(HeaderId.contentType),
    body: message.body.toString(),
  })
}
