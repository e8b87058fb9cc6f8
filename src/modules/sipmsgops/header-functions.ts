import { arg, functionGroup, optional } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { HeaderId, headerIdOf } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { globPattern } from './glob.ts'
import { headerLine, MESSAGE_ROUTES } from './routes.ts'

const text = arg('txt', 'str', 'Complete header line; its line end is added where it is missing.')
const name = arg('name', 'str', 'Name of the header, in any case or compact form.')
const removed = '1 at least one was removed; −1 none'

/** Functions that add, remove and find whole headers. */
export const headerFunctions = functionGroup(
  {
    append_to_reply: {
      args: [text],
      routes: ['request', 'failure', 'branch', 'error'],
      returns: '1',
      doc: 'Adds a header to every reply made here to this request.',
    },
    append_body_to_reply: {
      args: [arg('txt', 'str', 'Text of the body; further calls add to it.')],
      routes: ['request', 'failure', 'branch', 'error'],
      returns: '1',
      doc: 'Gives every reply made here to this request a body. Add its Content-Type with append_to_reply().',
    },
    append_hf: {
      args: [text, optional(arg('anchor', 'str', 'Name of the header to put it behind.'))],
      routes: MESSAGE_ROUTES,
      returns: '1',
      doc: 'Adds a header behind the last one, or behind another.',
    },
    insert_hf: {
      args: [text, optional(arg('anchor', 'str', 'Name of the header to put it before.'))],
      routes: MESSAGE_ROUTES,
      returns: '1',
      doc: 'Adds a header before the first one, or before another.',
    },
    append_urihf: {
      args: [
        arg('prefix', 'str', 'Text before the URI, with the name of the header.'),
        arg('suffix', 'str', 'Text behind it.'),
      ],
      routes: ['request', 'failure', 'branch'],
      returns: '1',
      doc: 'Adds a header that holds the Request-URI.',
    },
    remove_hf: { args: [name], routes: MESSAGE_ROUTES, returns: removed, doc: 'Removes all headers of a name.' },
    remove_hf_re: {
      args: [arg('pattern', 'regex', 'Pattern for the names.')],
      routes: MESSAGE_ROUTES,
      returns: removed,
      doc: 'Removes all headers whose names match a pattern.',
    },
    remove_hf_glob: {
      args: [arg('pattern', 'str', 'Pattern for the names, with `*`, `?` and `[…]`.')],
      routes: MESSAGE_ROUTES,
      returns: removed,
      doc: 'Removes all headers whose names match a shell pattern.',
    },
    is_present_hf: {
      args: [name],
      routes: MESSAGE_ROUTES,
      returns: '1 there is one; −1 there is none',
      doc: 'Tells whether the message, as received, has a header.',
    },
    append_time: {
      args: [],
      routes: ['request', 'failure', 'branch'],
      returns: '1',
      doc: 'Adds Date to every reply made here to this request.',
    },
    get_glob_headers_values: {
      args: [
        arg('pattern', 'str', 'Pattern for the names, with `*`, `?` and `[…]`.'),
        arg('names', 'var', 'AVP for the names.'),
        arg('values', 'var', 'AVP for the values.'),
      ],
      routes: MESSAGE_ROUTES,
      returns: '1 some were found; −1 none',
      doc: 'Collects the headers whose names match a shell pattern; the first is at index 0.',
    },
  },
  ({ clock }) => ({
    append_to_reply: line => m => {
      m.replyHeaders += headerLine(line.read(m))
      return 1
    },
    append_body_to_reply: body => m => {
      m.replyBody += body.read(m)
      return 1
    },
    append_hf: (line, anchor) => m => {
      const at = anchor === undefined ? -1 : m.message.findNamed(anchor.read(m))
      m.edits.insert(at < 0 ? m.message.headersEnd : m.message.headerEnd(at), headerLine(line.read(m)))
      return 1
    },
    insert_hf: (line, anchor) => m => {
      const at = anchor === undefined ? -1 : m.message.findNamed(anchor.read(m))
      m.edits.insert(at < 0 ? m.message.headersStart : m.message.headerStart(at), headerLine(line.read(m)))
      return 1
    },
    append_urihf: (prefix, suffix) => m => {
      m.edits.insert(m.message.headersEnd, headerLine(`${prefix.read(m)}${m.target.uri}${suffix.read(m)}`))
      return 1
    },
    remove_hf: wanted => m => {
      const text = wanted.read(m)
      const id = headerIdOf(text)
      const folded = text.toLowerCase()
      return removeHeaders(m, (message, i) =>
        id === HeaderId.other ? message.headerName(i).toLowerCase() === folded : message.headerId(i) === id,
      )
    },
    remove_hf_re: pattern => m => {
      const wanted = pattern.read(m)
      return removeHeaders(m, (message, i) => wanted.test(message.headerName(i)))
    },
    remove_hf_glob: pattern => m => {
      const wanted = globPattern(pattern.read(m))
      return removeHeaders(m, (message, i) => wanted.test(message.headerName(i)))
    },
    is_present_hf: wanted => m => (m.message.findNamed(wanted.read(m)) >= 0 ? 1 : -1),
    append_time: () => m => {
      m.replyHeaders += `Date: ${new Date(clock.nowMs()).toUTCString()}\r\n`
      return 1
    },
    get_glob_headers_values: (pattern, names, values) => m => {
      const wanted = globPattern(pattern.read(m))
      const found = headersOf(m.message).filter(i => wanted.test(m.message.headerName(i)))
      for (const i of found.toReversed()) {
        names.read(m).set(m, m.message.headerName(i))
        values.read(m).set(m, m.message.headerValue(i))
      }
      return found.length > 0 ? 1 : -1
    },
  }),
)

function removeHeaders(m: RouteContext, isWanted: (message: SipMessage, i: number) => boolean): Verdict {
  const { message, edits } = m
  const found = headersOf(message).filter(i => isWanted(message, i))
  for (const i of found) edits.remove(message.headerStart(i), message.headerEnd(i))
  return found.length > 0 ? 1 : -1
}

function headersOf(message: SipMessage): readonly number[] {
  return Array.from({ length: message.headerCount }, (_, i) => i)
}
