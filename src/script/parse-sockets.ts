import { didYouMean } from './nearest.ts'
import {
  type AliasDefinition,
  type BlacklistDefinition,
  type BlacklistRule,
  type BondDefinition,
  SOCKET_PROTOCOLS,
  type SocketDefinition,
} from './sockets.ts'
import { type Place, span } from './source.ts'
import { isSymbol, type TokenStream } from './token-stream.ts'

const FLAGS: ReadonlySet<string> = new Set([
  'anycast',
  'frag',
  'reuse_port',
  'accept_subdomain',
  'allow_proxy_protocol',
  'send_proxy_protocol',
])
/** Most ports one definition may open, so that a mistyped range does not open tens of thousands. */
const MAX_PORTS = 1000

/** Reads what stands behind `socket =`. */
export function parseSocket(tokens: TokenStream): SocketDefinition | BondDefinition {
  return tokens.is('bond') ? parseBond(tokens) : parsePlainSocket(tokens)
}

function parsePlainSocket(tokens: TokenStream): SocketDefinition {
  const start = tokens.token.place
  const proto = parseProto(tokens) ?? 'udp'
  const host = tokens.accept('*') ? '*' : parseHost(tokens)
  const ports = tokens.is(':') ? parsePorts(tokens) : [SOCKET_PROTOCOLS[proto] ?? 5060]
  const options = parseOptions(tokens)
  return { proto, host, ports, ...options, place: span(start, tokens.previous.place) }
}

/** `udp:`; undefined where the text starts with the host. */
function parseProto(tokens: TokenStream): string | undefined {
  const { text, place } = tokens.token
  if (!tokens.isKind('ident') || !isSymbol(tokens.peek(), ':')) return undefined
  if (Object.hasOwn(SOCKET_PROTOCOLS, text)) {
    tokens.next()
    tokens.next()
    return text
  }
  // `localhost:5060` has no protocol; `udpp:127.0.0.1` has a wrong one.
  if (tokens.peek(2).kind === 'number' && !isSymbol(tokens.peek(3), '.')) return undefined
  const hint =
    didYouMean(text, Object.keys(SOCKET_PROTOCOLS)) ?? `known are ${Object.keys(SOCKET_PROTOCOLS).join(', ')}`
  return tokens.fail(`unknown protocol "${text}"`, place, hint, 'E_SOCKET')
}

/** A host name is several tokens without blanks between them. */
function parseHost(tokens: TokenStream): string {
  if (tokens.isKind('string')) return tokens.next().text
  if (tokens.isKind('ip')) return tokens.next().text.replace(/[[\]]/g, '')
  const start = tokens.token.place
  let host = ''
  while (isHostPart(tokens) && (host === '' || tokens.isAdjacent)) host += tokens.next().text
  if (host === '') return tokens.fail('expected an address or a host name', start, undefined, 'E_SOCKET')
  return host
}

function isHostPart(tokens: TokenStream): boolean {
  return tokens.isKind('ident', 'number', 'decimal') || tokens.isAny('.', '-')
}

function parsePorts(tokens: TokenStream): number[] {
  const ports: number[] = []
  const start = tokens.next().place
  do {
    const first = parsePort(tokens)
    const last = tokens.accept('-') ? parsePort(tokens) : first
    if (last < first || ports.length + last - first >= MAX_PORTS)
      return tokens.fail(`expected a range of at most ${MAX_PORTS} ports, lowest first`, start, undefined, 'E_SOCKET')
    for (let port = first; port <= last; port++) ports.push(port)
  } while (tokens.accept(','))
  return ports
}

function parsePort(tokens: TokenStream): number {
  const { value, place } = tokens.token
  if (!tokens.isKind('number')) return tokens.unexpected('a port')
  if (value < 0 || value > 65535) return tokens.fail('expected a port from 0 to 65535', place, undefined, 'E_SOCKET')
  tokens.next()
  return value
}

type Options = Pick<SocketDefinition, 'advertised' | 'tag' | 'workers' | 'tos' | 'flags'>

function parseOptions(tokens: TokenStream): Options {
  const flags = new Set<string>()
  let options: Options = { advertised: null, tag: null, workers: null, tos: null, flags }
  while (tokens.isKind('ident')) {
    const { text } = tokens.token
    // The next setting may have the name of an option: `tos=16`.
    if (isSymbol(tokens.peek(), '=')) break
    if (FLAGS.has(text)) flags.add(tokens.next().text)
    else if (text === 'as') {
      tokens.next()
      const host = parseHost(tokens)
      options = { ...options, advertised: { host, port: tokens.accept(':') ? parsePort(tokens) : null } }
    } else if (text === 'tag' || text === 'use_auto_scaling_profile') {
      tokens.next()
      if (!tokens.isKind('ident', 'string')) return tokens.unexpected('a name')
      const name = tokens.next().text
      if (text === 'tag') options = { ...options, tag: name }
    } else if (text === 'use_workers' || text === 'use_children') {
      tokens.next()
      options = { ...options, workers: parseNumber(tokens) }
    } else if (text === 'tos') {
      tokens.next()
      options = { ...options, tos: parseNumber(tokens) }
    } else break
  }
  return options
}

function parseNumber(tokens: TokenStream): number {
  return tokens.isKind('number') ? tokens.next().value : tokens.unexpected('a number')
}

function parseBond(tokens: TokenStream): BondDefinition {
  const start = tokens.next().place
  tokens.expect(':', 'behind "bond"')
  if (!tokens.isKind('ident')) return tokens.unexpected('the name of the bond')
  const name = tokens.next().text
  tokens.expect('{', 'behind the name of the bond')
  const sockets: string[] = []
  do {
    if (!tokens.isKind('string')) return tokens.unexpected('a socket in quotes')
    sockets.push(tokens.next().text)
  } while (tokens.accept(','))
  const end = tokens.expect('}', 'to close the bond').place
  return { name, sockets, place: span(start, end) }
}

/** Reads what stands behind `alias =`: names on one line. */
export function parseAliases(tokens: TokenStream): AliasDefinition[] {
  const aliases = [parseAlias(tokens)]
  while (!tokens.token.startsLine && (isHostPart(tokens) || tokens.isKind('string', 'ip')))
    aliases.push(parseAlias(tokens))
  return aliases
}

function parseAlias(tokens: TokenStream): AliasDefinition {
  const start: Place = tokens.token.place
  let proto: string | null = null
  if (tokens.is('any') && isSymbol(tokens.peek(), ':')) {
    tokens.next()
    tokens.next()
  } else proto = parseProto(tokens) ?? null
  const host = parseHost(tokens)
  const port = tokens.accept(':') ? parsePort(tokens) : null
  const acceptSubdomain = tokens.accept('accept_subdomain')
  return { proto, host, port, acceptSubdomain, place: span(start, tokens.previous.place) }
}

/** Reads what stands behind `dst_blacklist =`: `NAME [/ flags] [: { rule, … }]`. */
export function parseBlacklist(tokens: TokenStream): BlacklistDefinition {
  const start = tokens.token.place
  if (!tokens.isKind('ident')) return tokens.unexpected('the name of the blacklist')
  const name = tokens.next().text
  const flags: string[] = []
  if (tokens.accept('/')) {
    do flags.push(tokens.isKind('ident') ? tokens.next().text : tokens.unexpected('default, expire or readonly'))
    while (tokens.accept(',') || tokens.accept('|'))
  }
  const rules: BlacklistRule[] = []
  if (tokens.accept(':')) {
    tokens.expect('{', 'to open the rules')
    do rules.push(parseRule(tokens))
    while (tokens.accept(','))
    tokens.expect('}', 'to close the rules')
  }
  return { name, flags, rules, place: span(start, tokens.previous.place) }
}

function parseRule(tokens: TokenStream): BlacklistRule {
  const negated = tokens.accept('!')
  if (!tokens.accept('(')) return { negated, proto: null, network: parseNetwork(tokens), port: 0, pattern: '' }
  const proto = tokens.isKind('ident') && isSymbol(tokens.peek(), ',') ? tokens.next().text.toLowerCase() : null
  if (proto !== null) tokens.next()
  const network = parseNetwork(tokens)
  const port = tokens.accept(',') ? parsePort(tokens) : 0
  const pattern = tokens.accept(',') && tokens.isKind('string') ? tokens.next().text : ''
  tokens.expect(')', 'to close the rule')
  return { negated, proto: proto === 'any' ? null : proto, network, port, pattern }
}

function parseNetwork(tokens: TokenStream): string {
  return tokens.isKind('ip', 'ipnet') ? tokens.next().text : tokens.unexpected('an address or a network')
}

/** `ID scale up to N on N% [for N cycles [within N]] [scale down to …]`, over any number of lines: read over. */
export function skipScalingProfile(tokens: TokenStream): void {
  if (!tokens.isKind('ident')) tokens.unexpected('the name of the profile')
  tokens.next()
  while (tokens.is('scale')) {
    tokens.next()
    while (!tokens.isKind('eof') && !tokens.token.startsLine && !tokens.is('scale')) tokens.next()
  }
}
