import { isRecord } from '../../cluster/message.ts'
import type { ListenSocket } from '../../sip/net/endpoint.ts'
import { ALL_METHODS, type Contact, type ContactData } from './contact.ts'

/** What one node tells the others of its contacts. */
export type ReplicaMessage = PutMessage | RemoveMessage | KeyMessage

interface Place {
  readonly domain: string
  readonly aor: string
}
/** A contact as it is from now on. */
export interface PutMessage extends Place {
  readonly op: 'put'
  readonly id: number
  /** When it was stored, milliseconds since 1970. */
  readonly atMs: number
  readonly data: ContactData
}
/** A contact is no more. */
export interface RemoveMessage extends Place {
  readonly op: 'remove'
  readonly id: number
  readonly uri: string
  readonly callId: string
  readonly atMs: number
}
/** A script keeps a value at an AoR, or with null no longer. */
export interface KeyMessage extends Place {
  readonly op: 'key'
  readonly key: string
  readonly value: string | null
}

/** What nodes call by name and contacts by number or handle. */
export interface ReplicaNames {
  readonly flagNames: (mask: number) => string
  /** Mask of one branch flag. */
  readonly flagMask: (name: string) => number
  /** Null for a socket that this node does not have. */
  readonly findSocket: (text: string) => ListenSocket | null
}

/** A contact as other nodes are told of it. */
export function putBody(domain: string, contact: Contact, { flagNames }: ReplicaNames): object {
  const { id, aor, modifiedMs, socket, cflags, methods } = contact
  const { uri, expiresS, q, callId, cseq, flags, userAgent, received, path, instance, attr, shtag } = contact
  return {
    op: 'put',
    domain,
    aor,
    id,
    at: modifiedMs,
    uri,
    expires: expiresS,
    q,
    callid: callId,
    cseq,
    flags,
    cflags: flagNames(cflags),
    user_agent: userAgent,
    received,
    path,
    socket: socket?.text ?? '',
    ...(methods === ALL_METHODS ? {} : { methods }),
    instance,
    attr,
    shtag,
  }
}

/** Reads what another node tells; null where it is no such message. */
export function parseReplica(body: unknown, names: ReplicaNames): ReplicaMessage | null {
  if (!isRecord(body)) return null
  const { op } = body
  const domain = text(body['domain'])
  const aor = text(body['aor'])
  if (domain === '' || aor === '') return null
  if (op === 'put') return parsePut(body, { domain, aor }, names)
  if (op === 'remove') {
    const [id, atMs] = [whole(body['id'], 0), whole(body['at'], 0)]
    return { op, domain, aor, id, atMs, uri: text(body['uri']), callId: text(body['callid']) }
  }
  const key = text(body['key'])
  if (op !== 'key' || key === '') return null
  const { value } = body
  return { op, domain, aor, key, value: value === null ? null : text(value) }
}

function parsePut(body: Record<string, unknown>, place: Place, names: ReplicaNames): PutMessage | null {
  const id = whole(body['id'], 0)
  const uri = text(body['uri'])
  if (id <= 0 || uri === '') return null
  const flagNames = text(body['cflags'])
    .split(' ')
    .filter(name => name !== '')
  const data: ContactData = {
    uri,
    expiresS: whole(body['expires'], 0),
    q: whole(body['q'], -1),
    callId: text(body['callid']),
    cseq: whole(body['cseq'], 0),
    flags: whole(body['flags'], 0),
    cflags: flagNames.reduce((mask, name) => mask | names.flagMask(name), 0),
    userAgent: text(body['user_agent']),
    received: text(body['received']),
    path: text(body['path']),
    socket: names.findSocket(text(body['socket'])),
    methods: whole(body['methods'], ALL_METHODS),
    instance: text(body['instance']),
    attr: text(body['attr']),
    shtag: text(body['shtag']),
  }
  return { op: 'put', ...place, id, atMs: whole(body['at'], 0), data }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const whole = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : otherwise
