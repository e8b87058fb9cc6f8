import { arg, functionGroup, optional } from '../../module/define.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { Params } from '../../sip/codec/params.ts'
import { escapeUser, formatUri, parseUri } from '../../sip/codec/uri.ts'
import { MESSAGE_ROUTES } from './routes.ts'

/** Global number with plus and up to fifteen digits (ITU-T E.164). */
const E164 = /^\+[0-9]{2,15}$/

/** Functions that look at the start line and at facts of the message, and edit the Request-URI. */
export const requestFunctions = functionGroup(
  {
    is_method: {
      args: [arg('methods', 'str', 'Methods, divided by `|`.')],
      routes: MESSAGE_ROUTES,
      returns: '1 it is one of them; −1 it is none',
      doc: 'Compares the method; of a reply, that of its CSeq.',
    },
    has_totag: {
      args: [],
      routes: 'any',
      returns: '1 it has one; −1 it has none',
      doc: 'Tells whether To has a tag: the request is inside a dialog.',
    },
    is_privacy: {
      args: [arg('type', 'str', 'Privacy value: id, user, header, session, none, critical, history.')],
      routes: MESSAGE_ROUTES,
      returns: '1 asked for; −1 not',
      doc: 'Looks for a value in the Privacy header (RFC 3323).',
    },
    change_reply_status: {
      args: [arg('code', 'int', 'New status code, of the same class.'), arg('reason', 'str', 'New reason phrase.')],
      routes: ['onreply'],
      returns: '1 changed; −1 the class would change',
      doc: 'Changes status code and reason phrase of a reply on its way.',
    },
    ruri_has_param: {
      args: [arg('param', 'str', 'Name of the parameter.'), optional(arg('value', 'str', 'Value it must have.'))],
      routes: MESSAGE_ROUTES,
      returns: '1 it has; −1 it has not',
      doc: 'Looks for a parameter in the Request-URI.',
      aliases: ['uri_param'],
    },
    ruri_add_param: {
      args: [arg('param', 'str', 'Parameter, `p=v`.')],
      routes: MESSAGE_ROUTES,
      returns: '1 added; −1 the Request-URI cannot have one',
      doc: 'Adds a parameter to the Request-URI.',
      aliases: ['add_uri_param'],
    },
    ruri_del_param: {
      args: [arg('param', 'str', 'Name of the parameter.')],
      routes: MESSAGE_ROUTES,
      returns: '1 removed; −1 there was none',
      doc: 'Removes a parameter from the Request-URI.',
      aliases: ['del_uri_param'],
    },
    ruri_tel2sip: {
      args: [],
      routes: MESSAGE_ROUTES,
      returns: '1 changed, or no tel URI; −1 it cannot be changed',
      doc: 'Makes a SIP URI of a tel URI in the request line, with the host of From (RFC 3261 §19.1.6).',
      aliases: ['tel2sip'],
    },
    is_uri_user_e164: {
      args: [arg('uri', 'str', 'The URI.')],
      routes: MESSAGE_ROUTES,
      returns: '1 it is; −1 it is not',
      doc: 'Tells whether the user of a URI is an E.164 number with a plus sign.',
    },
  },
  ({ log }) => ({
    is_method: methods => {
      if (methods.constant === undefined) return m => (methods.read(m).split('|').includes(m.message.method) ? 1 : -1)
      const wanted = new Set(methods.constant.split('|').map(method => method.trim()))
      return m => (wanted.has(m.message.method) ? 1 : -1)
    },
    has_totag: () => m => (m.message.toTag === '' ? -1 : 1),
    is_privacy: type => m => (privacyValues(m.message).includes(type.read(m).toLowerCase()) ? 1 : -1),
    change_reply_status: (code, reason) => m => {
      const status = code.read(m)
      if (Math.trunc(status / 100) !== Math.trunc(m.message.status / 100)) {
        log.error('The class of a reply cannot be changed', { from: m.message.status, to: status })
        return -1
      }
      m.edits.replace(0, m.message.headersStart, `SIP/2.0 ${status} ${reason.read(m).replace(/[\r\n]+/g, ' ')}\r\n`)
      return 1
    },
    ruri_has_param: (name, value) => m => {
      const found = parseUri(m.target.uri)?.params.get(name.read(m)) ?? null
      return found !== null && (value === undefined || value.read(m) === found) ? 1 : -1
    },
    ruri_add_param: param => m => {
      const uri = parseUri(m.target.uri)
      if (uri === null || uri.scheme === 'tel') return -1
      const text = param.read(m)
      const params = Params.parse(uri.params.text + (text.startsWith(';') ? text : `;${text}`))
      m.target.uri = formatUri({ ...uri, params })
      return 1
    },
    ruri_del_param: name => m => {
      const edited = withoutParam(m.target.uri, name.read(m))
      if (edited === null) return -1
      m.target.uri = edited
      return 1
    },
    ruri_tel2sip: () => m => {
      const uri = parseUri(m.target.uri)
      if (uri === null) return -1
      if (uri.scheme !== 'tel') return 1
      const from = parseUri(m.message.from?.uri ?? '')
      if (from === null || from.host === '') return -1
      m.target.uri = `sip:${escapeUser(uri.user)}${uri.params.text}@${from.host}${from.port === 0 ? '' : `:${from.port}`};user=phone`
      return 1
    },
    is_uri_user_e164: uri => m => {
      const user = parseUri(uri.read(m))?.user
      return user !== undefined && E164.test(user) ? 1 : -1
    },
  }),
)

function privacyValues(message: SipMessage): readonly string[] {
  return (message.value(HeaderId.privacy) ?? '').split(/[;,]/).map(value => value.trim().toLowerCase())
}

/** Null where the URI has no such parameter. */
function withoutParam(text: string, name: string): string | null {
  const uri = parseUri(text)
  if (uri === null || !uri.params.has(name)) return null
  const kept = uri.params.entries().filter(([key]) => key.toLowerCase() !== name.toLowerCase())
  const params = Params.parse(kept.map(([key, value]) => (value === null ? `;${key}` : `;${key}=${value}`)).join(''))
  return formatUri({ ...uri, params })
}
