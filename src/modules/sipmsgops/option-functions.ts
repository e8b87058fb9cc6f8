import { arg, functionGroup } from '../../module/define.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { MESSAGE_ROUTES } from './routes.ts'

const header = arg('hdr_name', 'str', 'Name of the header, `Supported`.')
const option = arg('option', 'str', 'The option tag.')

/** Functions on headers that list option tags, as Supported and Require do. */
export const optionFunctions = functionGroup(
  {
    list_hdr_has_option: {
      args: [header, option],
      routes: MESSAGE_ROUTES,
      returns: '1 it is listed; −1 it is not',
      doc: 'Tells whether an option tag is listed.',
    },
    list_hdr_add_option: {
      args: [header, option],
      routes: MESSAGE_ROUTES,
      returns: '1 added, or listed already',
      doc: 'Adds an option tag to a list; makes the header where there is none.',
    },
    list_hdr_remove_option: {
      args: [header, option],
      routes: MESSAGE_ROUTES,
      returns: '1 removed; −1 it is not listed',
      doc: 'Removes an option tag from a list, and the header with the last one.',
    },
  },
  () => ({
    list_hdr_has_option: (name, tag) => m => (positions(m.message, name.read(m), tag.read(m)).length > 0 ? 1 : -1),
    list_hdr_add_option: (name, tag) => m => {
      const { message, edits } = m
      const wanted = tag.read(m)
      if (positions(message, name.read(m), wanted).length > 0) return 1
      const at = message.findNamed(name.read(m))
      if (at < 0) edits.insert(message.headersEnd, `${name.read(m)}: ${wanted}\r\n`)
      else edits.insert(message.valueEnd(at), `${message.headerValue(at) === '' ? '' : ', '}${wanted}`)
      return 1
    },
    list_hdr_remove_option: (name, tag) => m => {
      const { message, edits } = m
      const found = new Set(positions(message, name.read(m), tag.read(m)))
      for (const at of found) {
        const kept = tags(message, at).filter(one => !isEqual(one, tag.read(m)))
        if (kept.length === 0) edits.remove(message.headerStart(at), message.headerEnd(at))
        else edits.replace(message.valueStart(at), message.valueEnd(at), kept.join(', '))
      }
      return found.size > 0 ? 1 : -1
    },
  }),
)

/** Indices of the headers of this name that list the tag. */
function positions(message: SipMessage, name: string, tag: string): readonly number[] {
  const found: number[] = []
  for (let at = message.findNamed(name); at >= 0; at = message.findNamed(name, at + 1)) {
    if (tags(message, at).some(one => isEqual(one, tag))) found.push(at)
  }
  return found
}

function tags(message: SipMessage, header: number): readonly string[] {
  return message
    .headerValue(header)
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')
}

/** Option tags are tokens: case does not count (RFC 3261 §7.3.1). */
function isEqual(a: string, b: string): boolean {
  return a.toLowerCase() === b.trim().toLowerCase()
}
