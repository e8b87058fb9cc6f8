import { addressBytes, formatAddress, isInNetwork, parseNetwork } from '../ip-network.ts'
import { ofText, type TransformationTable, withParams } from './transformation.ts'

const isFamily = (size: number) => ofText(text => Number(addressBytes(text)?.length === size))

/** Networks of RFC 1918 §3. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].flatMap(text => parseNetwork(text) ?? [])

/** Class `ip`: addresses. Binary forms hold one character a byte. */
export const networkTransformations: TransformationTable = {
  pton: ofText(text => {
    const bytes = addressBytes(text)
    return bytes === undefined ? undefined : String.fromCharCode(...bytes)
  }),
  ntop: ofText(text => {
    if (text.length !== 4 && text.length !== 16) return undefined
    return formatAddress(Array.from(text, char => char.charCodeAt(0) & 0xff))
  }),
  family: ofText(text => {
    const bytes = addressBytes(text)
    return bytes === undefined ? undefined : bytes.length === 4 ? 'INET' : 'INET6'
  }),
  // A route does not wait inside an expression, so names are not looked up: only an address resolves, to itself.
  resolve: ofText(text => (addressBytes(text) === undefined ? undefined : text)),
  isip: ofText(text => Number(addressBytes(text) !== undefined)),
  isip4: isFamily(4),
  isip6: isFamily(16),
  matches: withParams([1, 1], (text, params) => {
    const bytes = addressBytes(text)
    const network = parseNetwork(params.text(0)?.trim() ?? '')
    return bytes === undefined || network === undefined ? undefined : Number(isInNetwork(bytes, network))
  }),
  isprivate: ofText(text => {
    const bytes = addressBytes(text)
    return bytes === undefined ? undefined : Number(PRIVATE.some(network => isInNetwork(bytes, network)))
  }),
}
