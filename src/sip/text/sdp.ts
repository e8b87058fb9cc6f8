/**
 * Session descriptions as scripts edit them (RFC 4566): lines in order, the session's own first, then one block for each
 * medium. Nothing but the lines asked for is changed.
 */
export interface Sdp {
  readonly session: readonly string[]
  readonly media: readonly (readonly string[])[]
}

/** Names and clock rates of payload types that need no `a=rtpmap` (RFC 3551 tables 4 and 5). */
const STATIC_PAYLOAD: Readonly<Record<string, readonly [name: string, clock: string]>> = {
  0: ['PCMU', '8000'],
  3: ['GSM', '8000'],
  4: ['G723', '8000'],
  5: ['DVI4', '8000'],
  6: ['DVI4', '16000'],
  7: ['LPC', '8000'],
  8: ['PCMA', '8000'],
  9: ['G722', '8000'],
  10: ['L16', '44100'],
  11: ['L16', '44100'],
  12: ['QCELP', '8000'],
  13: ['CN', '8000'],
  14: ['MPA', '90000'],
  15: ['G728', '8000'],
  16: ['DVI4', '11025'],
  17: ['DVI4', '22050'],
  18: ['G729', '8000'],
  25: ['CelB', '90000'],
  26: ['JPEG', '90000'],
  28: ['nv', '90000'],
  31: ['H261', '90000'],
  32: ['MPV', '90000'],
  33: ['MP2T', '90000'],
  34: ['H263', '90000'],
}

/** One codec of a medium. */
export interface Codec {
  readonly payload: string
  /** As written in `a=rtpmap`, or the name of a static payload type; '' when unknown. */
  readonly name: string
  readonly clock: string
}

export function parseSdp(text: string): Sdp {
  const lines = text.split(/\r?\n/).filter(line => line !== '')
  const starts = lines.flatMap((line, i) => (line.startsWith('m=') ? [i] : []))
  return {
    session: lines.slice(0, starts[0] ?? lines.length),
    media: starts.map((start, i) => lines.slice(start, starts[i + 1] ?? lines.length)),
  }
}

export function formatSdp(sdp: Sdp): string {
  return [...sdp.session, ...sdp.media.flat()].map(line => `${line}\r\n`).join('')
}

/** The codecs of one medium, in the order of its `m=` line. */
export function codecsOf(medium: readonly string[]): readonly Codec[] {
  return payloadsOf(medium).map(payload => {
    const map = medium
      .map(line => /^a=rtpmap:(\S+)\s+([^/\s]+)(?:\/(\d+))?/.exec(line))
      .find(found => found?.[1] === payload)
    const [name, clock] = map == null ? (STATIC_PAYLOAD[payload] ?? ['', '']) : [map[2] ?? '', map[3] ?? '']
    return { payload, name, clock }
  })
}

/** The medium without these payload types, and without the attributes that speak of them. */
export function withoutPayloads(medium: readonly string[], gone: ReadonlySet<string>): readonly string[] {
  const kept = payloadsOf(medium).filter(payload => !gone.has(payload))
  return withPayloads(
    medium.filter(line => !gone.has(/^a=(?:rtpmap|fmtp|rtcp-fb):(\S+)/.exec(line)?.[1] ?? '')),
    kept,
  )
}

/** The medium with its payload types in this order. */
export function withPayloads(medium: readonly string[], payloads: readonly string[]): readonly string[] {
  const [first = '', ...rest] = medium
  const [media = '', port = '', transport = ''] = first.split(/\s+/)
  return [[media, port, transport, ...payloads].join(' '), ...rest]
}

/** `audio`, `video` … of the medium. */
export function mediumName(medium: readonly string[]): string {
  return /^m=(\S+)/.exec(medium[0] ?? '')?.[1] ?? ''
}

/** Transport of the medium, `RTP/AVP`. */
export function mediumTransport(medium: readonly string[]): string {
  return medium[0]?.split(/\s+/)[2] ?? ''
}

/** Whether the audio of the description is held: by the address 0.0.0.0 (RFC 2543), by its direction (RFC 3264 §8.4), or not. */
export function audioHold(sdp: Sdp): 'address' | 'direction' | null {
  for (const medium of sdp.media) {
    if (mediumName(medium) !== 'audio') continue
    const connection = medium.find(line => line.startsWith('c=')) ?? sdp.session.find(line => line.startsWith('c='))
    if (connection !== undefined && /\s0\.0\.0\.0\s*$/.test(connection)) return 'address'
    const direction = [...medium, ...sdp.session].find(line =>
      /^a=(?:sendrecv|sendonly|recvonly|inactive)\s*$/.test(line),
    )
    if (direction !== undefined && /inactive|sendonly/.test(direction)) return 'direction'
  }
  return null
}

/** Whether the text has the lines every description begins with (RFC 4566 §5: v, o and s). */
export function looksLikeSdp(text: string): boolean {
  return /^v=\d+\r?\n(?:[a-z]=[^\n]*\n)*?o=\S/.test(text) && /^s=/m.test(text)
}

function payloadsOf(medium: readonly string[]): readonly string[] {
  return (medium[0] ?? '').trim().split(/\s+/).slice(3)
}
