import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import type { CommandSpec, Commands } from '../../util/spec.ts'
import { cancelOwn } from './caller-cancel.ts'
import { cancelPending } from './cancel-branch.ts'
import { BUCKETS } from './create.ts'
import { parseGivenHeaders, type RequestSender } from './local-request.ts'
import { destinationUri } from './relay.ts'
import type { TmServices } from './services.ts'
import type { LocalOutcome, Transaction } from './transaction.ts'
import { respond } from './upstream.ts'

/** The module's management commands. */
export const tmCommands = {
  uac_dlg: {
    args: [
      arg('method', 'str', 'Method.'),
      arg('ruri', 'str', 'Request-URI.'),
      arg('headers', 'str', 'Header lines, separated by CRLF; From and To must be among them, Call-ID and CSeq may.'),
      optional(arg('next_hop', 'str', 'SIP URI to send to instead; `.` or empty for none.')),
      optional(arg('socket', 'str', 'Socket to send from, `proto:ip:port`; `.` or empty for any.')),
      optional(arg('body', 'str', 'Body; its Content-Type must be among the headers.')),
    ],
    aliases: ['t_uac_dlg'],
    doc: 'Sends a request and answers with its final reply.',
  },
  uac_cancel: {
    args: [arg('callid', 'str', 'Call-ID.'), arg('cseq', 'str', 'CSeq number.')],
    aliases: ['t_uac_cancel'],
    doc: 'Cancels a pending INVITE that was sent by uac_dlg.',
  },
  hash: {
    args: [],
    aliases: ['t_hash'],
    doc: 'Shows how the transactions in memory are spread: for each bucket in use, how many.',
  },
  reply: {
    args: [
      arg('code', 'int', 'Status.'),
      arg('reason', 'str', 'Reason phrase.'),
      arg('trans_id', 'str', 'Transaction: bucket and number, decimal, with a colon between; or `$T_id`.'),
      arg('to_tag', 'str', 'To tag of the reply.'),
      optional(arg('new_headers', 'str', 'Header lines to add; `.` or empty for none.')),
      optional(arg('body', 'str', 'Body.')),
    ],
    aliases: ['t_reply'],
    doc: 'Answers a pending transaction.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>

/** Builds them. */
export function tmCommandHandlers(
  services: TmServices,
  sender: RequestSender,
): Commands<{ readonly commands: typeof tmCommands }> {
  return {
    uac_dlg: async ({ method, ruri, headers, next_hop, socket, body }) => {
      const given = parseGivenHeaders(headers)
      if (given === null) throw new MiError(400, 'Invalid headers')
      if (given.from === null) throw new MiError(400, 'From header missing')
      if (given.to === null) throw new MiError(400, 'To header missing')
      const { from, to, callId, cseq, others } = given
      const outcome = await sender.send({
        method,
        uri: ruri,
        from,
        to,
        callId,
        cseq,
        headers: others,
        body,
        nextHop: nextHopOf(next_hop),
        socket: socketOf(services, socket),
      })
      return describe(outcome)
    },
    uac_cancel: ({ callid, cseq }) => {
      const t = ownInvite(services, callid, Number(cseq))
      if (t === undefined || !cancelOwn(services, t, '')) throw new MiError(404, 'No such transaction')
      return 'OK'
    },
    hash: () => ({ size: BUCKETS, buckets: bucketCounts(services) }),
    reply: ({ code, reason, trans_id, to_tag, new_headers, body }) => {
      const t = findByName(services, trans_id)
      if (t === undefined) throw new MiError(404, 'Transaction not found')
      const headers = isGiven(new_headers) ? withLineEnd(new_headers) : ''
      const own = { status: code, reason, toTag: to_tag, headers, ...(body === undefined ? {} : { body }) }
      if (!respond(services, t, t.request, own)) throw new MiError(500, 'Reply failed')
      if (code >= 200) cancelPending(services, t, '')
      return 'OK'
    },
  }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text !== '.'
}

function withLineEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\r\n`
}

function nextHopOf(text: string | undefined): string | null {
  if (!isGiven(text)) return null
  const uri = destinationUri(text)
  if (uri === null) throw new MiError(400, 'Invalid next hop')
  return uri
}

function socketOf(services: TmServices, text: string | undefined) {
  if (!isGiven(text)) return null
  const socket = services.proxy.findSocket(text)
  if (socket === undefined) throw new MiError(404, 'Local socket not found')
  return socket
}

function describe(outcome: LocalOutcome): { Status: string; Message?: string } {
  const Status = `${outcome.status} ${outcome.reason}`
  return outcome.reply === null ? { Status } : { Status, Message: outcome.reply.message.bytes.toString('utf8') }
}

function ownInvite(services: TmServices, callId: string, cseq: number): Transaction | undefined {
  for (const t of services.tables.all)
    if (t.caller !== null && t.isInvite && t.initial.callId === callId && t.initial.cseq === cseq) return t
  return undefined
}

function findByName(services: TmServices, name: string): Transaction | undefined {
  const [bucket, number] = name.split(':').map(Number)
  for (const t of services.tables.all) if (t.id === name || (t.bucket === bucket && t.number === number)) return t
  return undefined
}

function bucketCounts(services: TmServices): { index: number; current: number }[] {
  const counts = new Map<number, number>()
  for (const { bucket } of services.tables.all) counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => a - b).map(([index, current]) => ({ index, current }))
}
