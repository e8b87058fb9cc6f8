import { type NameAddr, parseNameAddrList } from '../../sip/codec/name-addr.ts'
import { Params } from '../../sip/codec/params.ts'
import { parseVia, type Via } from '../../sip/codec/via.ts'
import type { Value } from '../../util/spec.ts'
import { ofText, type TransformationTable, withParams } from './transformation.ts'

const viaPart = (read: (via: Via) => Value) =>
  ofText(text => {
    const via = parseVia(text)
    return via === null ? undefined : read(via)
  })
const present = (text: string): Value => (text === '' ? null : text)

/** Class `via`: the parts of a Via value. */
export const viaTransformations: TransformationTable = {
  name: viaPart(via => via.protocol),
  version: viaPart(via => via.version),
  transport: viaPart(via => via.transport),
  host: viaPart(via => via.host),
  port: viaPart(via => (via.port === 0 ? null : via.port)),
  params: viaPart(via => present(via.params.text.replace(/^;/, ''))),
  comment: viaPart(via => present(via.comment)),
  branch: viaPart(via => present(via.branch)),
  received: viaPart(via => present(via.received)),
  rport: viaPart(via => (via.rport === null ? null : via.rport === 0 ? '' : via.rport)),
  param: withParams([1, 1], (text, params) => {
    const via = parseVia(text)
    const name = params.text(0)
    return via === null || name === undefined ? undefined : via.params.get(name.trim())
  }),
}

const nameAddrPart = (read: (address: NameAddr) => Value) =>
  withParams([0, 1], (text, params) => {
    const address = addressAt(text, params.count > 0 ? params.int(0) : 0)
    return address === undefined ? undefined : read(address)
  })

function addressAt(text: string, index: number | undefined): NameAddr | undefined {
  return index === undefined ? undefined : parseNameAddrList(text)?.at(index)
}

/** Class `nameaddr`: the parts of an address as in From; an index picks one of a comma-separated list. */
export const nameAddrTransformations: TransformationTable = {
  name: nameAddrPart(address => address.display),
  uri: nameAddrPart(address => address.uri),
  len: nameAddrPart(address => address.end - address.start),
  params: nameAddrPart(address => address.params.text.replace(/^;/, '')),
  param: withParams([1, 2], (text, params) => {
    const address = addressAt(text, params.count > 1 ? params.int(1) : 0)
    const name = params.text(0)
    return address === undefined || name === undefined ? undefined : address.params.get(name.trim())
  }),
}

/** Class `param`: a text like `a=1;b=2`. */
export const paramTransformations: TransformationTable = {
  value: withParams([1, 1], (text, params) => {
    const name = params.text(0)
    return name === undefined ? undefined : Params.parse(text).get(name.trim())
  }),
  exist: withParams([1, 1], (text, params) => {
    const name = params.text(0)
    return name === undefined ? undefined : Number(Params.parse(text).has(name.trim()))
  }),
  valueat: withParams([1, 1], (text, params) => {
    const entry = entryAt(text, params.int(0))
    return entry === undefined ? undefined : (Params.parse(`x=${entry[1] ?? ''}`).get('x') ?? '')
  }),
  name: withParams([1, 1], (text, params) => entryAt(text, params.int(0))?.[0]),
  count: ofText(text => Params.parse(text).size),
}

function entryAt(text: string, index: number | undefined): readonly [string, string | null] | undefined {
  return index === undefined ? undefined : Params.parse(text).entries().at(index)
}

/** Class `csv`: comma-separated fields that may be quoted (RFC 4180). */
export const csvTransformations: TransformationTable = {
  count: ofText(text => csvFields(text).length),
  value: withParams([1, 1], (text, params) => {
    const index = params.int(0)
    return index === undefined ? undefined : csvFields(text).at(index)
  }),
}

function csvFields(text: string): string[] {
  const fields: string[] = []
  let field = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"' && isQuoted && text[at + 1] === '"') {
      field += '"'
      at++
    } else if (char === '"' && (isQuoted || field === '')) isQuoted = !isQuoted
    else if (char === ',' && !isQuoted) {
      fields.push(field)
      field = ''
    } else field += char
  }
  return [...fields, field]
}
