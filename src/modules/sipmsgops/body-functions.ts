import { arg, functionGroup, optional } from '../../module/define.ts'
import { messageSlot, type RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import { currentBody } from '../../sip/text/current-body.ts'
import { type BodyPart, bodyParts, boundaryOf, freshBoundary, joinParts, mimeOf } from '../../sip/text/multipart.ts'
import { headerLine, MESSAGE_ROUTES } from './routes.ts'

const mime = optional(arg('mime', 'str', 'Type of the body, `application/sdp`; any if absent.'))

/** How a body that scripts have taken apart is described in the message now. */
interface EditedBody {
  readonly contentType: string
  readonly parts: readonly BodyPart[]
  /** Content-Type was written by us, and edits cannot be taken back. */
  readonly isFixed: boolean
}
const edited = messageSlot<EditedBody>()

/** Functions that look at the body and its parts, and add and remove parts. */
export const bodyFunctions = functionGroup(
  {
    has_body: {
      args: [mime],
      routes: MESSAGE_ROUTES,
      returns: '1 it has; −1 it has not',
      doc: 'Tells whether the message has a body, of this type.',
    },
    has_body_part: {
      args: [mime],
      routes: MESSAGE_ROUTES,
      returns: '1 it has; −1 it has not',
      doc: 'Tells whether the body, or one of its parts, is of this type.',
    },
    remove_body_part: {
      args: [mime, optional(arg('revert', 'str', '`revert`: remove all parts but those of this type.'))],
      routes: MESSAGE_ROUTES,
      aliases: ['strip_body', 'filter_body'],
      returns: '1 something was removed; −1 nothing was',
      doc: 'Removes the body, or its parts of one type.',
    },
    add_body_part: {
      args: [
        arg('body', 'str', 'The content.'),
        arg('mime', 'str', 'Its type.'),
        optional(arg('headers', 'str', 'Other headers of the part.')),
      ],
      routes: MESSAGE_ROUTES,
      returns: '1 added; −1 the body was replaced before by one that cannot take parts',
      doc: 'Adds a body; one that is there already becomes the first part of a multipart body.',
    },
    get_updated_body_part: {
      args: [mime, arg('out', 'var', 'Variable for the content.')],
      routes: MESSAGE_ROUTES,
      returns: '1 found; −1 not found',
      doc: 'Reads a part of the body with all changes made so far.',
    },
  },
  ({ log }) => ({
    has_body: type => m => {
      if (m.message.body.length === 0) return -1
      return type === undefined || mimeOf(contentType(m)) === mimeOf(type.read(m)) ? 1 : -1
    },
    has_body_part: type => m => {
      const parts = bodyParts(contentType(m), m.message.body)
      return parts.some(part => type === undefined || part.mime === mimeOf(type.read(m))) ? 1 : -1
    },
    remove_body_part: (type, revert) => m => {
      const state = stateOf(m)
      const wanted = type === undefined ? null : mimeOf(type.read(m))
      const keepsWanted = revert?.read(m) === 'revert'
      const parts = wanted === null ? [] : state.parts.filter(part => (part.mime === wanted) === keepsWanted)
      if (parts.length === state.parts.length) return -1
      write(m, state, parts)
      return 1
    },
    add_body_part: (body, type, headers) => m => {
      const state = stateOf(m)
      const content = Buffer.from(body.read(m))
      const mimeText = type.read(m)
      const extra = headers === undefined ? '' : headerLine(headers.read(m))
      const part = { mime: mimeOf(mimeText), headers: `Content-Type: ${mimeText}\r\n${extra}`, content }
      if (write(m, state, [...state.parts, part])) return 1
      log.error('The body was replaced before and cannot take another part', { callId: m.message.callId })
      return -1
    },
    get_updated_body_part: (type, out) => m => {
      const wanted = type === undefined ? null : mimeOf(type.read(m))
      const parts = bodyParts(edited.get(m)?.contentType ?? contentType(m), currentBody(m.message, m.edits))
      const part = parts.find(one => wanted === null || one.mime === wanted)
      return part !== undefined && out.read(m).set(m, part.content.toString(), true) ? 1 : -1
    },
  }),
)

function contentType(m: RouteContext): string {
  return m.message.value(HeaderId.contentType) ?? ''
}

function stateOf(m: RouteContext): EditedBody {
  const known = edited.get(m)
  const type = known?.contentType ?? contentType(m)
  return {
    contentType: type,
    parts: bodyParts(type, currentBody(m.message, m.edits)),
    isFixed: known?.isFixed ?? false,
  }
}

/** Gives the message these parts. False where that needs another Content-Type than the one already written. */
function write(m: RouteContext, state: EditedBody, parts: readonly BodyPart[]): boolean {
  const boundary = boundaryOf(state.contentType)
  const [only] = parts
  if (only === undefined) {
    if (!state.isFixed) setContentType(m, '')
    m.edits.setBody(null)
    edited.set(m, { contentType: '', parts, isFixed: state.isFixed })
    return true
  }
  if (boundary !== null) {
    m.edits.setBody(joinParts(parts, boundary))
    edited.set(m, { ...state, parts })
    return true
  }
  if (state.isFixed) return false
  const isSingle = parts.length === 1
  const fresh = freshBoundary(parts)
  const type = isSingle ? only.mime : `multipart/mixed;boundary=${fresh}`
  setContentType(m, isSingle ? only.headers : `Content-Type: ${type}\r\n`)
  m.edits.setBody(isSingle ? only.content : joinParts(parts, fresh))
  edited.set(m, { contentType: type, parts, isFixed: true })
  return true
}

/** Puts complete header lines in the place of Content-Type; '' takes it away. */
function setContentType(m: RouteContext, lines: string): void {
  const { message, edits } = m
  const at = message.find(HeaderId.contentType)
  const wasRemoved = edited.get(m)?.contentType === ''
  if (at >= 0 && !wasRemoved) edits.remove(message.headerStart(at), message.headerEnd(at))
  if (lines !== '') edits.insert(message.headersEnd, lines)
}
