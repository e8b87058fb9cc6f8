import { DeliveryError, type EventData, type PlainCodec } from '../../src/events/transport.ts'
import type { Value } from '../../src/util/spec.ts'

/** XML-RPC's `<int>` has 32 bits. */
const INT_MAX = 2 ** 31 - 1
const INT_MIN = -(2 ** 31)

/**
 * The body of the call that carries an event to a method:
 *
 *     <?xml version="1.0"?>
 *     <methodCall><methodName>METHOD</methodName><params>
 *       <param><value><string>EVENT</string></value></param>
 *       <param><name>NAME</name><value>V</value></param> …
 *     </params></methodCall>
 *
 * with the line ends OpenSIPS writes. A parameter without a name has no `<name>`. With `useStruct` a named parameter is a
 * struct of one member instead, which is what the XML-RPC specification allows. V is `<int>`, `<i8>` for an integer of
 * more than 32 bits, `<double>` for another number, or `<string>`; NULL is the empty string. Text with characters that XML
 * has no place for goes as `<base64>`, its bytes in UTF-8; a name with such characters is refused.
 */
export function callCodec(method: string, useStruct: boolean): PlainCodec {
  const head = `<?xml version="1.0"?>\n<methodCall>\n<methodName>${escapeXml(method)}</methodName>\n<params>\n`
  const named = useStruct ? structParam : namedParam
  return {
    name: `xmlrpc ${method}`,
    contentType: 'text/xml',
    encode: event => Buffer.from(`${head}${params(event, named)}</params>\n</methodCall>`),
  }
}

function params(event: EventData, named: (name: string, value: Value) => string): string {
  let text = param(`<value><string>${escapeXml(legal(event.name))}</string></value>`)
  for (let i = 0; i < event.values.length; i++) {
    const value = event.values[i]
    if (value === undefined) continue
    const name = event.names?.[i] ?? ''
    text += name === '' ? param(valueElement(value)) : named(name, value)
  }
  return text
}

const param = (content: string) => `<param>\n${content}\n</param>\n`
const nameElement = (name: string) => `<name>${escapeXml(legal(name))}</name>`
const namedParam = (name: string, value: Value) => param(`${nameElement(name)}\n${valueElement(value)}`)
const structParam = (name: string, value: Value) =>
  param(`<value><struct><member>\n${nameElement(name)}\n${valueElement(value)}\n</member></struct></value>`)

function valueElement(value: Value): string {
  if (typeof value === 'string' && ILLEGAL.test(value))
    return `<value><base64>${Buffer.from(value).toString('base64')}</base64></value>`
  if (typeof value === 'string') return `<value><string>${escapeXml(value)}</string></value>`
  if (value === null) return '<value><string></string></value>'
  if (!Number.isInteger(value)) return `<value><double>${value}</double></value>`
  const type = value <= INT_MAX && value >= INT_MIN ? 'int' : 'i8'
  return `<value><${type}>${value}</${type}></value>`
}

// XML 1.0 §2.2 has no place for these in any form, not even as references.
const ILLEGAL = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
const ALL_ILLEGAL = new RegExp(ILLEGAL, 'g')
const SPECIAL = /[&<>\r\x00-\x1f\ud800-\udfff\ufffe\uffff]/
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }

/** The text itself, or throws: what names it could not be read back. */
function legal(name: string): string {
  if (!ILLEGAL.test(name)) return name
  const message = `XML cannot carry the name ${JSON.stringify(name)}`
  throw new DeliveryError('E_UNENCODABLE', message, { permanent: true })
}

/**
 * Text as element content. A carriage return becomes `&#13;`, which a parser would otherwise turn into a line feed;
 * characters XML cannot carry become U+FFFD.
 */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text
  return text
    .toWellFormed()
    .replace(ALL_ILLEGAL, '\ufffd')
    .replace(/[&<>\r]/g, character => ENTITIES[character] ?? character)
}
