/** A FreeSWITCH server as users name it. */
export interface FreeSwitchUrl {
  /** '' where the URL has none. */
  readonly user: string
  /** '' where the URL has none: then it must be known of another URL of the same server. */
  readonly password: string
  readonly host: string
  readonly port: number
  /** Names of events, a subclass behind a blank: `CUSTOM sofia::register`. */
  readonly events: readonly string[]
}

/** Where FreeSWITCH listens for event sockets. */
const DEFAULT_PORT = 8021

/**
 * Reads `[fs://][[user]:password@]host[:port][?event1[,event2…]]`; an IPv6 host stands in brackets. Throws an Error that
 * says what is wrong, without the password.
 */
export function parseFreeSwitchUrl(text: string): FreeSwitchUrl {
  const parts =
    /^(?:fs:\/\/)?(?:([^:@?\s]*):([^@\s]*)@)?(\[[\da-fA-F:.]+\]|[^\s:@?/[\]]+)(?::(\d{1,5}))?(?:\?(.*))?$/is.exec(
      text.trim(),
    )
  const port = Number(parts?.[4] ?? DEFAULT_PORT)
  if (parts === null || port < 1 || port > 65_535)
    throw new Error(
      `expected fs://[user]:password@host[:port][?event,event], got "${text.replace(/:[^:@]*@/, ':***@')}"`,
    )
  return {
    user: parts[1] ?? '',
    password: parts[2] ?? '',
    host: (parts[3] ?? '').replace(/^\[|\]$/g, '').toLowerCase(),
    port,
    events: parseEventNames((parts[5] ?? '').split(',')),
  }
}

/** Trimmed, each once, empty ones left out. Throws an Error where one could not be asked for. */
export function parseEventNames(names: readonly string[]): readonly string[] {
  const trimmed = names.map(name => name.trim()).filter(name => name !== '')
  const bad = trimmed.find(name => !/^[\w:.-]+(?: [\w:.-]+)?$/.test(name))
  if (bad !== undefined) throw new Error(`expected the name of an event, got "${bad}"`)
  return [...new Set(trimmed)]
}

/** What tells one server from another. */
export const serverKey = ({ host, port }: Pick<FreeSwitchUrl, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`
