import { randomBytes } from 'node:crypto'
import { Params } from '../codec/params.ts'

/** One part of a body (RFC 2046 §5.1), or a whole body that is not divided. */
export interface BodyPart {
  /** Type and subtype, lower case, without parameters; '' when not given. */
  readonly mime: string
  /** Complete header lines, Content-Type included. */
  readonly headers: string
  readonly content: Buffer
}

/** Most parts looked at; what stands behind them is left alone. */
const MOST_PARTS = 64

/** `application/sdp` of `Application/SDP; charset=x`. */
export function mimeOf(contentType: string): string {
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

/** The boundary of a multipart Content-Type, or null when it is none. */
export function boundaryOf(contentType: string): string | null {
  if (!mimeOf(contentType).startsWith('multipart/')) return null
  const at = contentType.indexOf(';')
  const boundary = at < 0 ? null : Params.parse(contentType.slice(at)).get('boundary')
  return boundary === null || boundary === '' ? null : boundary
}

/** The parts of a body. A body that is not multipart is one part; an empty one has none. */
export function bodyParts(contentType: string, body: Buffer): readonly BodyPart[] {
  if (body.length === 0) return []
  const boundary = boundaryOf(contentType)
  if (boundary !== null) return splitParts(body, boundary)
  const headers = contentType === '' ? '' : `Content-Type: ${contentType}\r\n`
  return [{ mime: mimeOf(contentType), headers, content: body }]
}

/** A multipart body of these parts, with the closing delimiter. */
export function joinParts(parts: readonly BodyPart[], boundary: string): Buffer {
  const pieces = parts.flatMap(part => [
    Buffer.from(`--${boundary}\r\n${part.headers}\r\n`),
    part.content,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
}

/** A boundary that none of the parts holds (RFC 2046 §5.1.1). */
export function freshBoundary(parts: readonly BodyPart[]): string {
  let boundary = ''
  do boundary = `part-${randomBytes(9).toString('hex')}`
  while (parts.some(part => part.content.includes(boundary) || part.headers.includes(boundary)))
  return boundary
}

function splitParts(body: Buffer, boundary: string): BodyPart[] {
  const parts: BodyPart[] = []
  const delimiter = Buffer.from(`--${boundary}`)
  let start = findDelimiter(body, delimiter, 0)
  while (start >= 0 && parts.length < MOST_PARTS) {
    const isClosing = body[start + delimiter.length] === 45 && body[start + delimiter.length + 1] === 45
    const lineEnd = body.indexOf(10, start)
    if (isClosing || lineEnd < 0) break
    const next = findDelimiter(body, delimiter, lineEnd + 1)
    parts.push(readPart(body.subarray(lineEnd + 1, next < 0 ? body.length : endBefore(body, next))))
    start = next
  }
  return parts
}

/** Where the delimiter stands at the beginning of a line, or −1. */
function findDelimiter(body: Buffer, delimiter: Buffer, from: number): number {
  let at = body.indexOf(delimiter, from)
  while (at > 0 && body[at - 1] !== 10) at = body.indexOf(delimiter, at + 1)
  return at
}

/** RFC 2046 §5.1.1: the line end before a delimiter belongs to the delimiter. */
function endBefore(body: Buffer, delimiterAt: number): number {
  const end = delimiterAt - 1
  return body[end - 1] === 13 ? end - 1 : end
}

function readPart(bytes: Buffer): BodyPart {
  const text = bytes.toString('latin1')
  const gap = /^\r?\n|\r?\n\r?\n/.exec(text)
  if (gap === null) return { mime: '', headers: '', content: bytes }
  const headersEnd = gap.index
  const head = headersEnd === 0 ? '' : `${bytes.toString('utf8', 0, headersEnd)}\r\n`
  const type = /^content-type[ \t]*:(.*)$/im.exec(head)?.[1] ?? ''
  return { mime: mimeOf(type), headers: head, content: bytes.subarray(headersEnd + gap[0].length) }
}
