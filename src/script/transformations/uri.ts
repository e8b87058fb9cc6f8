import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import type { Value } from '../../util/spec.ts'
import { ofText, type TransformationTable, withParams } from './transformation.ts'

const part = (read: (uri: SipUri) => Value) =>
  ofText(text => {
    const uri = parseUri(text)
    return uri === null ? undefined : read(uri)
  })
const present = (text: string): Value => (text === '' ? null : text)
const param = (name: string) => part(uri => uri.params.get(name))
const host = part(uri => present(uri.host))

/** Class `uri`: the parts of a SIP URI. A text that is none fails. */
export const uriTransformations: TransformationTable = {
  user: part(uri => present(uri.user)),
  host,
  domain: host,
  passwd: part(uri => present(uri.password)),
  password: part(uri => present(uri.password)),
  port: part(uri => (uri.port === 0 ? null : uri.port)),
  params: part(uri => present(uri.params.text.replace(/^;/, ''))),
  headers: part(uri => present(uri.headers)),
  schema: part(uri => uri.scheme),
  transport: param('transport'),
  ttl: param('ttl'),
  uparam: param('user'),
  maddr: param('maddr'),
  method: param('method'),
  lr: param('lr'),
  r2: param('r2'),
  param: withParams([1, 1], (text, params) => {
    const uri = parseUri(text)
    const name = params.text(0)
    return uri === null || name === undefined ? undefined : uri.params.get(name.trim())
  }),
}
