import { HeaderId } from '../sip/codec/header-id.ts'
import type { SipMessage } from '../sip/codec/message.ts'
import { Params } from '../sip/codec/params.ts'

/** One part of a body. */
export interface BodyPart {
  /** As written, with parameters. */
  readonly contentType: string
  /** Lower case, without parameters. */
  readonly type: string
  readonly text: string
}

/** Most parts that are read of one body. */
const MAX_PARTS = 64

/** The parts of a multipart body (RFC 2046 §5.1); of any other body the body itself; none of an empty one. */
export function bodyParts(message: SipMessage): readonly BodyPart[] {
  const text = message.body.toString('utf8')
  if (text === '') return []
  const contentType = message.value(HeaderId.contentType) ?? ''
  const type = bareType(contentType)
  const boundary = type.startsWith('multipart/') ? boundaryOf(contentType) : null
  if (boundary === null) return [{ contentType, type, text }]
  return split(text, boundary).map(readPart)
}

function bareType(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}

function boundaryOf(contentType: string): string | null {
  const semicolon = contentType.indexOf(';')
  return semicolon < 0 ? null : Params.parse(contentType.slice(semicolon)).get('boundary')
}

function split(text: string, boundary: string): string[] {
  const sections = `\r\n${text}`.split(`\r\n--${boundary}`, MAX_PARTS + 2).slice(1)
  const parts: string[] = []
  for (const section of sections) {
    if (section.startsWith('--')) break
    const lineEnd = section.indexOf('\r\n')
    if (lineEnd >= 0) parts.push(section.slice(lineEnd + 2))
  }
  return parts
}

function readPart(text: string): BodyPart {
  const gap = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n') + 2
  const head = text.slice(0, Math.max(0, gap))
  const contentType = /^content-type[ \t]*:[ \t]*(.*)$/im.exec(head)?.[1]?.trim() ?? 'text/plain'
  return { contentType, type: bareType(contentType), text: text.slice(gap + 2) }
}
