import type { RouteContext } from '../../script/context.ts'
import { familyOf, hostPort } from '../../sip/net/address.ts'
import { readSession, writeSession } from '../../sip/text/session-body.ts'
import { bridgeAddress } from './auto-bridge.ts'
import { type CallParties, partiesOf, turned } from './call-parties.ts'
import { MediaLines, type MediaPlace, type MediaStream } from './media-lines.ts'
import type { RtpProxyNode } from './node.ts'
import type { RtpProxyServices } from './services.ts'
import type { SessionFlags } from './session-flags.ts'

/** Which half of the exchange a description is (RFC 3264). */
export type Half = 'offer' | 'answer'

/** How a description is put through an RTP proxy. */
export interface Negotiation {
  readonly flags: SessionFlags
  /** Written instead of the address the proxy answers. */
  readonly address: string | null
  readonly setId: number | null
  /** Use this proxy and no other. */
  readonly node: RtpProxyNode | null
  /** A description beside that of the message. */
  readonly body?: string
  /** Address of the RTP proxy to bind the streams to. */
  readonly bindLocal?: string
}

/** What came of it. */
export interface Negotiated {
  readonly node: RtpProxyNode
  /** `host:port` of the first stream, as written into the description. */
  readonly place: string
  /** The description as it is now. */
  readonly body: string
}

/**
 * Opens (offer) or completes (answer) the streams of a description in an RTP proxy, and puts the proxy's addresses into
 * it. Null, after logging why, where that cannot be done.
 */
export async function negotiate(
  services: RtpProxyServices,
  m: RouteContext,
  half: Half,
  wanted: Negotiation,
): Promise<Negotiated | null> {
  const { log, mark } = services
  const bytes = wanted.body === undefined ? readSession(m.message, m.edits) : Buffer.from(wanted.body)
  const text = bytes?.toString('latin1') ?? ''
  const parties = commandParties(services, m, half)
  const lines = new MediaLines(text)
  const refusal = refusalOf({ text, parties, lines, half, wanted, mark })
  if (refusal !== null || parties === null) {
    log.debug('nothing for an RTP proxy to do', { reason: refusal, callid: m.message.callId })
    return null
  }
  const bridge = await bridgeAddress(services, m, wanted.flags)
  const opened = await openStreams(services, m, half, { ...wanted, bridge }, lines.streams, parties)
  if (opened === null) return null
  const { flags } = wanted
  const changed = flags.keepsSdp
    ? text
    : lines.rewrite(opened.places, {
        changesOrigin: flags.changesOrigin,
        changesSession: flags.changesSession,
        mark: mark !== '' && text.includes(mark.trim()) ? '' : mark,
      })
  if (wanted.body === undefined && changed !== text) writeSession(m.message, m.edits, Buffer.from(changed, 'latin1'))
  const [place] = opened.places.values()
  return {
    node: opened.node,
    place: place === undefined ? '' : hostPort(place.address, place.port),
    body: Buffer.from(changed, 'latin1').toString('utf8'),
  }
}

/** The side that makes the offer stands first; a reply comes from the side that its To names. */
function commandParties(services: RtpProxyServices, m: RouteContext, half: Half): CallParties | null {
  const parties = partiesOf(services, m)
  const isTurned = m.message.isRequest ? half === 'answer' : half === 'offer'
  return parties !== null && isTurned ? turned(parties) : parties
}

function refusalOf(facts: {
  text: string
  parties: CallParties | null
  lines: MediaLines
  half: Half
  wanted: Negotiation
  mark: string
}): string | null {
  const { text, parties, lines, half, wanted, mark } = facts
  if (text === '') return 'no session description'
  if (lines.streams.length === 0) return 'no RTP stream'
  if (parties === null) return 'Call-ID or tags cannot be written into a command'
  if (half === 'answer' && parties.second === '') return 'an answer without To tag'
  if (mark !== '' && !wanted.flags.ignoresMark && text.includes(mark.trim()))
    return 'another RTP proxy is in it already'
  return null
}

/** With the address that the message goes on to, where the RTP proxy shall know it; else ''. */
type BridgedNegotiation = Negotiation & { readonly bridge: string }

interface Opened {
  readonly node: RtpProxyNode
  readonly places: ReadonlyMap<MediaStream, MediaPlace>
}

/** One command a stream. The first is tried with each proxy of the set until one answers; the others go to the same. */
async function openStreams(
  services: RtpProxyServices,
  m: RouteContext,
  half: Half,
  wanted: BridgedNegotiation,
  streams: readonly MediaStream[],
  parties: CallParties,
): Promise<Opened | null> {
  for (;;) {
    const node = wanted.node ?? services.sets.select(parties.callId, wanted.setId)
    if (node?.isUsable !== true) {
      services.log
        .often(`${wanted.setId}`)
        .error('no RTP proxy is in use', { set: wanted.setId, callid: parties.callId })
      return null
    }
    const places = new Map<MediaStream, MediaPlace>()
    for (const [index, stream] of streams.entries()) {
      const command = streamCommand(services, m, half, wanted, { stream, index, parties })
      const answer = await node.ask(command)
      if (answer === null) break
      const place = readPlace(answer, wanted.address ?? m.origin.socket.address, wanted.address !== null)
      if (place === null) {
        services.log
          .often(node.url)
          .error('an RTP proxy refuses a stream', { socket: node.url, answer, callid: parties.callId })
        return null
      }
      places.set(stream, place)
    }
    if (places.size === streams.length) return { node, places }
    if (wanted.node !== null) return null
  }
}

function streamCommand(
  { notifySocket, dialog }: RtpProxyServices,
  m: RouteContext,
  half: Half,
  { flags, bindLocal, bridge }: BridgedNegotiation,
  { stream, index, parties }: { stream: MediaStream; index: number; parties: CallParties },
): string {
  // An address of all zeros says nothing of where the media come from.
  const address = flags.trustsSdp && stream.address !== '0.0.0.0' ? stream.address : m.origin.address
  const isOffer = half === 'offer' && !flags.isLookupOnly
  const letters =
    (isOffer ? 'U' : 'L') +
    flags.modifiers +
    (bindLocal === undefined ? (bridge === '' ? '' : `R${bridge}`) : `L${bindLocal}`) +
    (familyOf(address) === 6 ? '6' : '') +
    (stream.payloads.length === 0 ? '' : `c${stream.payloads.join(',')}`)
  const number = `;${index + 1}`
  const second = parties.second === '' ? '' : ` ${parties.second}${number}`
  const id = dialog?.current(m)?.id
  const notify =
    isOffer && flags.notifies && notifySocket !== null
      ? ` ${notifySocket} ${id === undefined ? `c:${parties.callId}` : `d:${id}`}`
      : ''
  return `${letters} ${parties.callId} ${address} ${stream.port} ${parties.first}${number}${second}${notify}`
}

/** `port [address[ 6]]`; without an address, the proxy's own. Null for `E8` and anything else. */
export function readPlace(answer: string, fallback: string, isForced: boolean): MediaPlace | null {
  const [portText = '', address] = answer.split(/\s+/)
  const port = Number(portText)
  if (!/^\d{1,5}$/.test(portText) || port === 0 || port > 65_535) return null
  const isUsable = address !== undefined && familyOf(address) !== 0
  return { port, address: isForced || !isUsable ? fallback : address }
}
