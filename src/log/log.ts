/** OpenSIPS log levels (script reference, `log_level`): a line is written when its level ≤ the configured one. */
export const LogLevel = { alert: -3, crit: -2, error: -1, warn: 1, notice: 2, info: 3, debug: 4 } as const
export type LogLevelName = keyof typeof LogLevel

/** Facts that go with a message, in the order given. Secrets never belong here. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Writes lines for one part of the system. Messages are constant text; what varies goes into the fields. */
export interface Log {
  alert(message: string, fields?: LogFields): void
  crit(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  notice(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  /** The same log under another part's name. */
  child(part: string): Log
  /**
   * The same log for lines that may come with every message, as while a peer is away: of those with one text about one thing,
   * one in ten seconds is written, and `again` tells for how many it stands. `about` is what it is about: an address, a name.
   */
  often(about?: string): Log
  /** Whether a line of this level would be written: guards costly arguments. */
  enabled(level: number): boolean
}
