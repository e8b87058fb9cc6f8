import {
  escaped,
  optionsBetween,
  printOptions,
  printServer,
  type Server,
  SPECIAL,
  serversBetween,
  unescaped,
} from '../../src/events/socket-text.ts'
import { type Address, AddressError } from '../../src/events/transport.ts'

/** How a NATS client proves who it is. */
export type NatsLogin =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'user'; readonly user: string; readonly password: string }

/** Where events of a `nats:` socket go. */
export interface NatsAddress extends Address {
  readonly login: NatsLogin
  readonly servers: readonly Server[]
  /** `{event}` in it stands for the name of the event. */
  readonly subject: string
  /** Published to JetStream: delivered when a stream has stored it. */
  readonly isJetStream: boolean
  /** The stream that must store it; undefined for whichever takes the subject. */
  readonly stream: string | undefined
  readonly tlsDomain: string | undefined
}

export const NATS_PORT = 4222
const OPTIONS = { jetstream: 'flag', stream: 'text', tls_domain: 'text' } as const

/**
 * Parses what follows `nats:`.
 *
 *     [token@ | user:password@]host[:port][,host[:port]…]/subject[?option[&option…]]
 *     option = jetstream | stream=name | tls_domain=name
 *
 * In all of it `%XX` stands for a byte; `stream=` implies `jetstream`. Throws AddressError.
 */
export function parseNatsAddress(rest: string): NatsAddress {
  const question = rest.indexOf('?')
  const end = question < 0 ? rest.length : question
  const slash = rest.indexOf('/')
  if (slash < 0 || slash > end) throw new AddressError('expected "/" and a subject after the server', rest, end)
  const at = rest.lastIndexOf('@', slash)
  const login = at < 0 ? { kind: 'none' as const } : parseLogin(rest, at)
  const servers = serversBetween(rest, at + 1, slash, NATS_PORT)
  const subject = parseSubject(rest, slash + 1, end)
  const options = optionsBetween(rest, question < 0 ? end : question + 1, rest.length, OPTIONS)
  const facts = {
    login,
    servers,
    subject,
    isJetStream: options.jetstream === true || options.stream !== undefined,
    stream: options.stream,
    tlsDomain: options.tls_domain,
  }
  return { scheme: 'nats', text: print(facts), key: `nats:${JSON.stringify(facts)}`, ...facts }
}

function parseLogin(rest: string, at: number): NatsLogin {
  const colon = rest.indexOf(':')
  if (colon < 0 || colon > at) {
    if (at === 0) throw new AddressError('expected a token, or a user and a password, before "@"', rest, 0)
    return { kind: 'token', token: unescaped(rest, 0, at) }
  }
  if (colon === 0) throw new AddressError('expected a user name before ":"', rest, 0)
  return { kind: 'user', user: unescaped(rest, 0, colon), password: unescaped(rest, colon + 1, at) }
}

/** Words separated by dots, none of them empty or a wildcard. */
function parseSubject(rest: string, start: number, end: number): string {
  const subject = unescaped(rest, start, end)
  if (subject === '') throw new AddressError('expected a subject', rest, start)
  for (const token of subject.split('.')) {
    if (token === '') throw new AddressError('a subject has no empty token: one "." too many', rest, start)
    if (token === '*' || token === '>')
      throw new AddressError(`a subject to publish to has no wildcard "${token}"`, rest, start)
  }
  if (/\s/u.test(subject)) throw new AddressError('a subject has no blanks', rest, start)
  return subject
}

function print({ login, servers, subject, isJetStream, stream, tlsDomain }: Omit<NatsAddress, keyof Address>): string {
  const shownLogin =
    login.kind === 'none' ? '' : login.kind === 'token' ? '***@' : `${escaped(login.user, SPECIAL.login)}:***@`
  const shownServers = servers.map(server => printServer(server, NATS_PORT)).join(',')
  const options = {
    jetstream: isJetStream && stream === undefined ? (true as const) : undefined,
    stream,
    tls_domain: tlsDomain,
  }
  return `nats:${shownLogin}${shownServers}/${escaped(subject, SPECIAL.target)}${printOptions(options)}`
}
