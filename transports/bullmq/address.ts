import {
  escaped,
  optionsBetween,
  printOptions,
  printServer,
  type Server,
  SPECIAL,
  serverBetween,
  unescaped,
} from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'

/** Where jobs of a `bullmq:` socket go. */
export interface BullMqAddress extends Address, Server {
  /** Undefined: Redis is not asked for a user. */
  readonly user: string | undefined
  readonly password: string | undefined
  readonly queue: string
  readonly db: number
  /** Of all keys of the queue. */
  readonly prefix: string
  /** How often a worker may try a job; undefined: once. */
  readonly attempts: number | undefined
  readonly tlsDomain: string | undefined
}

export const REDIS_PORT = 6379
const PREFIX = 'bull'
const OPTIONS = { db: 'int', prefix: 'text', attempts: 'int', tls_domain: 'text' } as const

/**
 * Parses what follows `bullmq:`.
 *
 *     [[user]:password@]host[:port]/queue[?option[&option…]]
 *     option = db=n | prefix=text | attempts=n | tls_domain=name
 *
 * In all of it `%XX` stands for a byte. Throws AddressError.
 */
export function parseBullMqAddress(rest: string): BullMqAddress {
  const question = rest.indexOf('?')
  const end = question < 0 ? rest.length : question
  const slash = rest.indexOf('/')
  if (slash < 0 || slash > end)
    throw new AddressError('expected "/" and the name of a queue after the server', rest, end)
  const at = rest.lastIndexOf('@', slash)
  const queue = unescaped(rest, slash + 1, end)
  if (queue === '') throw new AddressError('expected the name of a queue', rest, slash + 1)
  // BullMQ joins the parts of its keys with colons.
  if (queue.includes(':'))
    throw new AddressError('the name of a queue has no ":"', rest, slash + 1 + queue.indexOf(':'))
  const options = optionsBetween(rest, question < 0 ? end : question + 1, rest.length, OPTIONS)
  const facts = {
    ...parseLogin(rest, at),
    ...serverBetween(rest, at + 1, slash, REDIS_PORT),
    queue,
    db: options.db ?? 0,
    prefix: options.prefix ?? PREFIX,
    attempts: options.attempts,
    tlsDomain: options.tls_domain,
  }
  return { scheme: 'bullmq', text: print(facts), key: `bullmq:${JSON.stringify(facts)}`, ...facts }
}

function parseLogin(rest: string, at: number): Pick<BullMqAddress, 'user' | 'password'> {
  if (at < 0) return { user: undefined, password: undefined }
  const colon = rest.indexOf(':')
  if (colon < 0 || colon > at) throw new AddressError('expected ":" and a password before "@"', rest, at)
  return { user: colon === 0 ? undefined : unescaped(rest, 0, colon), password: unescaped(rest, colon + 1, at) }
}

function print(facts: Omit<BullMqAddress, keyof Address>): string {
  const { user, password, queue, db, prefix, attempts, tlsDomain } = facts
  const login = password === undefined ? '' : `${escaped(user ?? '', SPECIAL.login)}:***@`
  const options = {
    db: db === 0 ? undefined : db,
    prefix: prefix === PREFIX ? undefined : prefix,
    attempts,
    tls_domain: tlsDomain,
  }
  return `bullmq:${login}${printServer(facts, REDIS_PORT)}/${escaped(queue, SPECIAL.target)}${printOptions(options)}`
}
