import { escapeXml, parseXml, type XmlElement, XmlError } from './xml.ts'

/** A call that came as XML-RPC. */
export interface XmlRpcCall {
  readonly method: string
  /** By name when the first parameter is a struct, else by position. */
  readonly params: readonly unknown[] | Readonly<Record<string, unknown>>
}

/** Why a text is no call. */
export class XmlRpcFault extends Error {
  override readonly name = 'XmlRpcFault'
  readonly code: 'not XML' | 'no call' | 'no method name' | 'no value'
  constructor(code: XmlRpcFault['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const LATIN = /^<\?xml[^>]{0,100}encoding\s{0,9}=\s{0,9}["'](?:iso-8859-1|latin1|windows-1252|us-ascii)["']/i

/**
 * Reads a `methodCall`. Names of elements match in any case; a value without a type is text, as XML-RPC has it. What PHP's
 * `xmlrpc_encode_request` writes, which says it is ISO 8859-1, is read as that. Throws XmlRpcFault.
 */
export function readCall(body: Buffer): XmlRpcCall {
  const isLatin = LATIN.test(body.toString('latin1', 0, 200))
  const root = parse(body.toString(isLatin ? 'latin1' : 'utf8'))
  if (root.name !== 'methodcall') throw new XmlRpcFault('no call', `the element is <${root.name}>, not <methodCall>`)
  const method = child(root, 'methodname')?.text.trim() ?? ''
  if (method === '') throw new XmlRpcFault('no method name', 'there is no <methodName>')
  const values = (child(root, 'params')?.children ?? []).filter(({ name }) => name === 'param').map(valueOfParam)
  const [first] = values
  return { method, params: isStruct(first) ? first : values }
}

function parse(text: string): XmlElement {
  try {
    return parseXml(text)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw new XmlRpcFault('not XML', error.message, { cause: error })
  }
}

const isStruct = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const child = ({ children }: XmlElement, name: string): XmlElement | undefined =>
  children.find(element => element.name === name)

function valueOfParam(param: XmlElement): unknown {
  const value = child(param, 'value')
  if (value === undefined) throw new XmlRpcFault('no value', 'a <param> has no <value>')
  return readValue(value)
}

function readValue(value: XmlElement): unknown {
  const [typed] = value.children
  return typed === undefined ? value.text : typedValue(typed)
}

function typedValue(element: XmlElement): unknown {
  const { name, text } = element
  switch (name) {
    case 'int':
    case 'i4':
    case 'i8':
    case 'double':
      return numberOf(element)
    case 'boolean':
      return text.trim() === '1' ? 1 : 0
    case 'nil':
      return null
    case 'array':
      return (child(element, 'data')?.children ?? []).filter(item => item.name === 'value').map(readValue)
    case 'struct':
      return Object.fromEntries(element.children.filter(member => member.name === 'member').map(memberOf))
    case 'string':
    case 'datetime.iso8601':
    case 'base64':
      return text
    default:
      throw new XmlRpcFault('no value', `<${name}> is no type of a value`)
  }
}

function numberOf({ name, text }: XmlElement): number {
  const value = Number(text.trim() === '' ? Number.NaN : text)
  if (!Number.isFinite(value)) throw new XmlRpcFault('no value', `"${text.slice(0, 40)}" is no <${name}>`)
  return value
}

function memberOf(member: XmlElement): readonly [string, unknown] {
  const name = child(member, 'name')?.text ?? ''
  const value = child(member, 'value')
  if (name === '' || value === undefined) throw new XmlRpcFault('no value', 'a <member> has no name or no value')
  return [name, readValue(value)]
}

const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\r\n<methodResponse>\r\n'
const END = '</methodResponse>\r\n'

/** An answer around a `<value>` element, with the line ends of the recorded one. */
export const responseText = (value: string): string => `${PROLOG}<params><param>\r\n${value}</param></params>\r\n${END}`

/** A fault (XML-RPC specification, fault example), with the line ends of the recorded one. */
export function faultText(code: number, message: string): string {
  const member = (name: string, value: string): string =>
    `<member>\r\n<name>${name}</name>\r\n<value>${value}</value>\r\n</member>\r\n`
  const members = `${member('faultCode', `<int>${code}</int>`)}${member('faultString', `<string>${escapeXml(message)}</string>`)}`
  return `${PROLOG}<fault><value>\r\n<struct>\r\n${members}</struct>\r\n</value>\r\n</fault>\r\n${END}`
}

/** A result as a `<value>`: objects are structs, null is `<nil/>`. What is no JSON is left out. */
export function valueText(value: unknown): string {
  return `<value>${typedText(value)}</value>`
}

function typedText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `<string>${escapeXml(value)}</string>`
    case 'number':
      return numberText(value)
    case 'bigint':
      return `<i8>${value}</i8>`
    case 'boolean':
      return `<boolean>${value ? 1 : 0}</boolean>`
  }
  if (typeof value !== 'object' || value === null) return '<nil/>'
  if (Array.isArray(value)) return `<array><data>${value.map(valueText).join('')}</data></array>`
  return structText(Object.entries(value).map(([name, member]) => [name, valueText(member)]))
}

/** Of integers only those of 32 bits have a type that every client knows. */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return `<int>${value}</int>`
  return `<double>${Number.isInteger(value) ? `${BigInt(value)}.000000` : value.toFixed(6)}</double>`
}

/** A `<struct>` of `<value>` elements. */
export function structText(members: readonly (readonly [name: string, value: string])[]): string {
  const one = ([name, value]: readonly [string, string]): string =>
    `<member><name>${escapeXml(name)}</name>${value}</member>`
  return `<struct>${members.map(one).join('')}</struct>`
}
