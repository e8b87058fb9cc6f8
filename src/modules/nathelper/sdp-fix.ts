import { formatSdp, parseSdp, type Sdp } from '../../sip/text/sdp.ts'

/** What fix_nated_sdp() changes (nathelper reference). */
export const SDP_FIX = {
  'add-dir-active': 1,
  'rewrite-media-ip': 2,
  'add-no-rtpproxy': 4,
  'rewrite-origin-ip': 8,
  'rewrite-null-ips': 16,
} as const

export interface SdpFix {
  /** Bits of {@link SDP_FIX}. */
  readonly what: number
  /** Address to write. */
  readonly address: string
  /** Lines to add to the session. */
  readonly lines: readonly string[]
  /** Lines of the kinds whose old address is not noted: `c`, `o`. */
  readonly unnoted: string
  readonly noRtpproxyLine: string
}

const ACTIVE = 'a=direction:active'

/** The session description with another address, and what else is asked for. */
export function fixSdp(text: string, fix: SdpFix): string {
  const { session, media } = parseSdp(text)
  const has = (name: keyof typeof SDP_FIX): boolean => (fix.what & SDP_FIX[name]) !== 0
  let head = session
  if (has('rewrite-origin-ip')) head = withAddress(head, /^o=/, fix, 'o')
  if (has('rewrite-media-ip')) head = withAddress(head, /^c=/, fix, 'c')
  const bodies = has('rewrite-media-ip') ? media.map(block => withAddress(block, /^c=/, fix, 'c')) : media
  const fixed: Sdp = { session: [...head, ...fix.lines], media: bodies }
  const atEnd = [
    ...(has('add-dir-active') ? [ACTIVE] : []),
    ...(has('add-no-rtpproxy') && !text.includes(fix.noRtpproxyLine) ? [fix.noRtpproxyLine] : []),
  ]
  return formatSdp(fixed) + atEnd.map(line => `${line}\r\n`).join('')
}

/** The lines of one section; the address that was there is noted at their end. */
function withAddress(lines: readonly string[], kind: RegExp, fix: SdpFix, letter: string): readonly string[] {
  const noted: string[] = []
  const rewritten = lines.map(line => {
    const found = kind.test(line) ? /^(.*\bIN )IP[46] ([^\s/]+)(.*)$/.exec(line) : null
    const [, before = '', old = '', rest = ''] = found ?? []
    if (found === null || old === fix.address) return line
    if (isNull(old) && (fix.what & SDP_FIX['rewrite-null-ips']) === 0) return line
    if (!fix.unnoted.includes(letter)) noted.push(`a=oldmediaip:${old}`)
    return `${before}${fix.address.includes(':') ? 'IP6' : 'IP4'} ${fix.address}${rest}`
  })
  return [...rewritten, ...noted]
}

const isNull = (address: string): boolean => address === '0.0.0.0' || address === '::'
