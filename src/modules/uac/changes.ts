import { messageSlot, type RouteContext } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'

/** A header of the two parties of a call. */
export type PartyHeader = 'from' | 'to'
/** A name-addr without parameters: `"Alice" <sip:alice@example.org>`. */
export interface Party {
  readonly before: string
  readonly after: string
}

const ID = { from: HeaderId.from, to: HeaderId.to } as const

/** What was done to a request that its replies must not show. Never changed, only replaced: branches share it. */
interface Changes {
  readonly from: boolean
  readonly to: boolean
  /** How much its CSeq number was raised. */
  readonly cseq: number
  /** Authorization lines added so far, by realm. */
  readonly answers: ReadonlyMap<string, string>
}
const NOTHING: Changes = { from: false, to: false, cseq: 0, answers: new Map() }
const slot = messageSlot<Changes>()

export const changesOf = (m: RouteContext): Changes => slot.get(m) ?? NOTHING

export function noteChange(m: RouteContext, change: Partial<Changes>): void {
  slot.set(m, { ...changesOf(m), ...change })
}

/** Display name and URI of a header as received, as a name-addr without parameters; '' where it is malformed. */
export function partyOf(message: SipMessage, header: PartyHeader): string {
  const address = header === 'from' ? message.from : message.to
  if (address === null) return ''
  return nameAddr(address.display, address.uri)
}

export function nameAddr(display: string, uri: string): string {
  return display === '' ? `<${uri}>` : `${display} <${uri}>`
}

/** Writes another party into a header; its parameters, the tag among them, stay. False: it was changed before. */
export function replaceParty(m: RouteContext, header: PartyHeader, party: string): boolean {
  if (changesOf(m)[header]) return false
  writeParty(m, header, party)
  noteChange(m, header === 'from' ? { from: true } : { to: true })
  return true
}

function writeParty(m: RouteContext, header: PartyHeader, party: string): void {
  const { message, edits } = m
  const at = message.find(ID[header])
  const address = header === 'from' ? message.from : message.to
  if (at < 0 || address === null) return
  edits.replace(message.valueStart(at), message.valueEnd(at), `${party}${address.params.text}`)
}

/** Writes another CSeq number. The whole line, so that a number that was written before gives way. */
export function writeCseq(m: RouteContext, number: number): void {
  const { message, edits } = m
  const at = message.find(HeaderId.cseq)
  if (at >= 0)
    edits.replace(message.headerStart(at), message.headerEnd(at), `CSeq: ${number} ${message.cseqMethod}\r\n`)
}

/** Gives a reply the From, To and CSeq of the request as it was received. */
export function restoreReply(request: RouteContext, changes: Changes, reply: RouteContext, withParties: boolean): void {
  const { initial, answered } = { initial: request.message, answered: reply.message }
  for (const header of ['from', 'to'] as const) {
    if (!withParties || !changes[header]) continue
    const party = partyOf(initial, header)
    if (party !== '') writeParty(reply, header, party)
  }
  if (changes.cseq > 0 && answered.cseq !== initial.cseq) writeCseq(reply, initial.cseq)
}
