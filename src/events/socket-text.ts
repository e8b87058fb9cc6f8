import { type Address, AddressError } from './transport.ts'

/*
 * The parts that socket texts of brokers have in common, `[login@]server[,server…]/target[?option[&option…]]`. In every
 * part `%XX` stands for a byte.
 */

/** A host and its port. */
export interface Server {
  readonly host: string
  readonly port: number
}

/** The text between two offsets with its `%XX` escapes undone. Throws AddressError. */
export function unescaped(text: string, start: number, end: number): string {
  const part = text.slice(start, end)
  if (!part.includes('%')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    throw new AddressError('bad %XX escape (a "%" itself is written %25)', text, start + part.indexOf('%'))
  }
}

/** Escapes what would end the part it stands in, and blanks, which separate the sockets of a `virtual:`. */
export const escaped = (text: string, special: RegExp): string =>
  text.replace(special, character => PARENTHESES[character] ?? encodeURIComponent(character))

/** They nest the sockets of a `virtual:`, and are the ones that `encodeURIComponent` leaves as they are. */
const PARENTHESES: Readonly<Record<string, string>> = { '(': '%28', ')': '%29' }

/** Characters that cannot stand as they are in each part. */
export const SPECIAL = {
  login: /[\s%:@/,]/gu,
  target: /[\s%?()]/gu,
  option: /[\s%&()]/gu,
} as const

/** A port from 1 to 65535. Throws AddressError. */
export function portBetween(text: string, start: number, end: number): number {
  const digits = text.slice(start, end)
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port >= 1 && port <= 65535) return port
  const hint = digits.includes(':') ? ' (an IPv6 address stands in brackets)' : ''
  throw new AddressError(`expected a port from 1 to 65535, found "${digits}"${hint}`, text, start)
}

/** `host[:port]`, an IPv6 address in brackets. Throws AddressError. */
export function serverBetween(text: string, start: number, end: number, defaultPort: number): Server {
  const isBracketed = text[start] === '['
  const bracket = isBracketed ? text.indexOf(']', start) : start - 1
  if (isBracketed && (bracket < 0 || bracket >= end))
    throw new AddressError('expected "]" after the IPv6 address', text, end)
  const colon = text.indexOf(':', bracket + 1)
  const hostEnd = colon < 0 || colon > end ? end : colon
  const host = isBracketed ? text.slice(start + 1, bracket) : unescaped(text, start, hostEnd)
  if (host === '') throw new AddressError('expected a host name or address', text, start)
  if (isBracketed && hostEnd !== bracket + 1)
    throw new AddressError('expected ":" and a port after "]"', text, bracket + 1)
  return { host, port: hostEnd === end ? defaultPort : portBetween(text, hostEnd + 1, end) }
}

/** `host[:port]` separated by commas. Throws AddressError. */
export function serversBetween(text: string, start: number, end: number, defaultPort: number): readonly Server[] {
  const servers: Server[] = []
  for (let from = start; ; ) {
    const comma = text.indexOf(',', from)
    const to = comma < 0 || comma > end ? end : comma
    servers.push(serverBetween(text, from, to, defaultPort))
    if (to === end) return servers
    from = to + 1
  }
}

export function printServer({ host, port }: Server, defaultPort: number): string {
  const shown = host.includes(':') ? `[${host}]` : escaped(host, SPECIAL.login)
  return port === defaultPort ? shown : `${shown}:${port}`
}

/** What `tls_domain=` of an address stands for; undefined where it names none. Throws AddressError where there is no such domain. */
export function tlsOptionsOf<T>(
  { tlsDomain, text }: Pick<Address, 'text'> & { readonly tlsDomain: string | undefined },
  optionsOf: (domain: string) => T | undefined,
): T | undefined {
  if (tlsDomain === undefined) return undefined
  const options = optionsOf(tlsDomain)
  if (options === undefined) throw new AddressError(`no TLS client domain "${tlsDomain}" is defined`, text, 0)
  return options
}

/** How an option is written: `flag` alone, the others behind `=`. */
export type OptionKind = 'flag' | 'text' | 'int'

export type OptionValues<K extends Readonly<Record<string, OptionKind>>> = {
  readonly [N in keyof K]: (K[N] extends 'flag' ? true : K[N] extends 'int' ? number : string) | undefined
}

/** The options between two offsets, separated by `&`. Throws AddressError for one that is not known or badly written. */
export function optionsBetween<const K extends Readonly<Record<string, OptionKind>>>(
  text: string,
  start: number,
  end: number,
  known: K,
): OptionValues<K> {
  const values: Record<string, string | number | true | undefined> = {}
  for (const name of Object.keys(known)) values[name] = undefined
  let from = start
  for (const word of text.slice(start, end).split('&')) {
    if (word !== '') readOption(text, from, word, known, values)
    from += word.length + 1
  }
  return values as OptionValues<K>
}

function readOption(
  text: string,
  from: number,
  word: string,
  known: Readonly<Record<string, OptionKind>>,
  values: Record<string, string | number | true | undefined>,
): void {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const kind = Object.hasOwn(known, name) ? known[name] : undefined
  if (kind === undefined) {
    const names = Object.entries(known).map(([other, form]) => (form === 'flag' ? other : `${other}=`))
    throw new AddressError(`unknown option "${name}"; known are ${names.join(', ')}`, text, from)
  }
  if (kind === 'flag') {
    if (equals >= 0) throw new AddressError(`"${name}" takes no value`, text, from + equals)
    values[name] = true
    return
  }
  if (equals < 0) throw new AddressError(`expected "=" and a value after "${name}"`, text, from + word.length)
  const value = unescaped(text, from + equals + 1, from + word.length)
  if (kind === 'text') values[name] = value
  else if (/^\d{1,15}$/.test(value)) values[name] = Number(value)
  else throw new AddressError(`expected a number after "${name}=", found "${value}"`, text, from + equals + 1)
}

/** `?a=1&b`, or '' when no option is given. */
export function printOptions(values: Readonly<Record<string, string | number | true | undefined>>): string {
  const words = Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined) return []
    return value === true ? name : `${name}=${escaped(String(value), SPECIAL.option)}`
  })
  return words.length === 0 ? '' : `?${words.join('&')}`
}
