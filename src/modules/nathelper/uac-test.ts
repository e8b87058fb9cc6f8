import type { RouteContext } from '../../script/context.ts'
import { addressBytes, type IpNetwork, isInNetwork, parseNetwork } from '../../script/ip-network.ts'
import { parseUri, type SipUri } from '../../sip/codec/uri.ts'
import { withoutBrackets } from '../../sip/net/address.ts'
import { DEFAULT_PORT, type Proto } from '../../sip/net/endpoint.ts'
import { parseSdp } from '../../sip/text/sdp.ts'
import { readSession } from '../../sip/text/session-body.ts'

/** The tests of nat_uac_test() (nathelper reference). */
export const UAC_TEST = {
  'private-contact': 1,
  'diff-ip-src-via': 2,
  'private-via': 4,
  'private-sdp': 8,
  'diff-port-src-via': 16,
  'diff-ip-src-contact': 32,
  'diff-port-src-contact': 64,
  'carrier-grade-nat': 128,
} as const

/** RFC 1918 and RFC 6598. */
const PRIVATE = networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10')
/** Of hosts behind a tunnel of their carrier (RFC 6333 §5.7). */
const TUNNELLED = networks('192.0.0.0/29')

function networks(...texts: readonly string[]): readonly IpNetwork[] {
  return texts.flatMap(text => parseNetwork(text) ?? [])
}

/** Whether one of the tests finds that the sender of a message is behind NAT. */
export function isBehindNat(m: RouteContext, tests: number): boolean {
  const { address, port } = m.origin
  const isPrivate = privateTest((tests & UAC_TEST['carrier-grade-nat']) !== 0)
  const via = m.message.topVia
  const contact = firstContact(m)
  const viaPort = via === null ? 0 : via.port || DEFAULT_PORT[m.origin.proto]
  const has = (name: keyof typeof UAC_TEST): boolean => (tests & UAC_TEST[name]) !== 0
  return (
    (has('private-contact') && contact !== null && isPrivate(contact.host)) ||
    (has('diff-ip-src-via') && via !== null && withoutBrackets(via.host) !== address) ||
    (has('private-via') && via !== null && isPrivate(via.host)) ||
    (has('private-sdp') && sdpAddresses(m).some(isPrivate)) ||
    (has('diff-port-src-via') && via !== null && viaPort !== port) ||
    (has('diff-ip-src-contact') && contact !== null && withoutBrackets(contact.host) !== address) ||
    (has('diff-port-src-contact') && contact !== null && portOf(contact, m.origin.proto) !== port)
  )
}

function privateTest(withTunnelled: boolean): (host: string) => boolean {
  const nets = withTunnelled ? [...PRIVATE, ...TUNNELLED] : PRIVATE
  return host => {
    const bytes = addressBytes(host)
    return bytes !== undefined && nets.some(net => isInNetwork(bytes, net))
  }
}

function firstContact({ message: { contacts } }: RouteContext): SipUri | null {
  return contacts === null || contacts === '*' ? null : parseUri(contacts[0]?.uri ?? '')
}

function portOf(uri: SipUri, proto: Proto): number {
  return uri.port || (uri.scheme === 'sips' ? DEFAULT_PORT.tls : DEFAULT_PORT[proto])
}

/** The addresses media are to be sent to. */
function sdpAddresses(m: RouteContext): readonly string[] {
  const session = readSession(m.message, m.edits)
  if (session === null) return []
  const { session: head, media } = parseSdp(session.toString())
  return [...head, ...media.flat()].flatMap(line => /^c=IN IP[46] ([^\s/]+)/i.exec(line)?.[1] ?? [])
}
