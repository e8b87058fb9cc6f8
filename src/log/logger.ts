import { asctime } from '../util/asctime.ts'
import type { Clock } from '../util/clock.ts'
import { type Log, type LogFields, LogLevel, type LogLevelName } from './log.ts'
import { Repeats } from './repeats.ts'

/** One line of the log, before formatting. */
export interface LogRecord {
  readonly timeMs: number
  readonly pid: number
  readonly level: number
  /** Which part wrote it; '' for the script's own `xlog`. */
  readonly part: string
  readonly message: string
  readonly fields: LogFields | undefined
}

export type LogFormat = 'plain_text' | 'json' | 'json_cee'

export interface LoggerOptions {
  readonly clock: Clock
  /** Takes finished lines, each with its newline. */
  readonly write: (line: string) => void
}

const LABEL: Readonly<Record<number, string>> = {
  [LogLevel.alert]: 'ALERT',
  [LogLevel.crit]: 'CRITICAL',
  [LogLevel.error]: 'ERROR',
  [LogLevel.warn]: 'WARNING',
  [LogLevel.notice]: 'NOTICE',
  [LogLevel.info]: 'INFO',
  [LogLevel.debug]: 'DBG',
}

/** The name of a level as log lines and E_CORE_LOG carry it. */
export const levelLabel = (level: number): string => LABEL[level] ?? 'DBG'

/**
 * Writes log lines in OpenSIPS's form, `Nov 20 15:05:26 [2530] NOTICE:part: text`, or as JSON. Levels can be changed
 * while running; a listener sees every line that was written (E_CORE_LOG).
 */
export class Logger {
  readonly #options: LoggerOptions
  readonly #repeats: Repeats
  /** Lines whose level is above this are not written. */
  level: number = LogLevel.notice
  format: LogFormat = 'plain_text'
  /** Inserted, with a colon, before each message (`log_prefix`). */
  prefix = ''
  /** Lines above this level are kept from the output, but not from the listener; 0 is off (`stderror_level_filter`). */
  outputFilter = 0
  /** False: lines go to the listener only (`stderror_enabled`). */
  hasOutput = true
  /** Told of every line written; a line that a listener itself causes is not passed on. */
  listener: ((record: LogRecord) => void) | null = null
  #inListener = false
  /** Works under way whose lines the listener must not see. */
  #unheard = 0

  constructor(options: LoggerOptions) {
    this.#options = options
    this.#repeats = new Repeats(options.clock)
  }

  /** A log for one part of the system. */
  part(name: string): Log {
    return new PartLog(this, name)
  }

  write(level: number, part: string, message: string, fields?: LogFields): void {
    const record = { timeMs: this.#options.clock.nowMs(), pid: process.pid, level, part, message, fields }
    if (this.hasOutput && (this.outputFilter === 0 || level <= this.outputFilter))
      this.#options.write(this.#format(record))
    if (this.listener === null || this.#inListener || this.#unheard > 0) return
    this.#inListener = true
    try {
      this.listener(record)
    } finally {
      this.#inListener = false
    }
  }

  /** For a line that may come with every message: see {@link Log.often}. */
  writeOften(about: string, level: number, part: string, message: string, fields?: LogFields): void {
    // What the listener must not hear now, it must not hear later either.
    const isUnheard = this.#inListener || this.#unheard > 0
    this.#repeats.say([level, part, message, about].join('\0'), again => {
      const write = (): void => this.write(level, part, message, again === 0 ? fields : { ...fields, again })
      if (isUnheard) void this.unheard(write)
      else write()
    })
  }

  /** Writes the lines that {@link Log.often} holds back. */
  flush(): void {
    this.#repeats.flush()
  }

  /**
   * Runs work that handles what the listener was told, so that its own lines do not come back to it. Until the promise it may
   * give has settled, the listener is told of no line at all.
   */
  unheard<T>(work: () => T | Promise<T>): T | Promise<T> {
    this.#unheard++
    const end = (): void => {
      this.#unheard--
    }
    try {
      const result = work()
      if (result instanceof Promise) return result.finally(end)
      end()
      return result
    } catch (error) {
      end()
      throw error
    }
  }

  #format(record: LogRecord): string {
    return this.format === 'plain_text' ? plainLine(record, this.prefix) : jsonLine(record, this.format)
  }
}

class PartLog implements Log {
  readonly #logger: Logger
  readonly #part: string
  /** What lines that may come often are about; null where every line is written. */
  readonly #about: string | null
  constructor(logger: Logger, part: string, about: string | null = null) {
    this.#logger = logger
    this.#part = part
    this.#about = about
  }
  child(part: string): Log {
    return new PartLog(this.#logger, part, this.#about)
  }
  often(about = ''): Log {
    return new PartLog(this.#logger, this.#part, about)
  }
  enabled(level: number): boolean {
    return level <= this.#logger.level
  }
  alert(message: string, fields?: LogFields): void {
    this.#write('alert', message, fields)
  }
  crit(message: string, fields?: LogFields): void {
    this.#write('crit', message, fields)
  }
  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }
  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }
  notice(message: string, fields?: LogFields): void {
    this.#write('notice', message, fields)
  }
  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }
  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields)
  }
  #write(name: LogLevelName, message: string, fields: LogFields | undefined): void {
    const level = LogLevel[name]
    if (level > this.#logger.level) return
    if (this.#about === null) this.#logger.write(level, this.#part, message, fields)
    else this.#logger.writeOften(this.#about, level, this.#part, message, fields)
  }
}

/** `Nov 20 15:05:26`, local time, as syslog writes it. */
export function syslogTime(timeMs: number): string {
  return asctime(timeMs).slice('Fri '.length, -' 2026'.length)
}

function plainLine(record: LogRecord, prefix: string): string {
  const part = record.part === '' ? '' : `${record.part}: `
  const head = `${syslogTime(record.timeMs)} [${record.pid}] ${prefix === '' ? '' : `${prefix}:`}${levelLabel(record.level)}:`
  const text = `${head}${part}${messageText(record)}`
  return text.endsWith('\n') ? text : `${text}\n`
}

/** What a line says, its fields included, as `plain_text` shows it. */
export const messageText = ({ message, fields }: LogRecord): string => message + plainFields(fields)

function plainFields(fields: LogFields | undefined): string {
  if (fields === undefined) return ''
  let text = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const shown = typeof value === 'string' && /[\s"=]|^$/.test(value) ? JSON.stringify(value) : String(value)
    text += ` ${key}=${shown}`
  }
  return text
}

function jsonLine(record: LogRecord, format: LogFormat): string {
  const body = {
    time: new Date(record.timeMs).toISOString(),
    pid: record.pid,
    level: levelLabel(record.level),
    ...(record.part === '' ? {} : { module: record.part }),
    message: record.message,
    ...record.fields,
  }
  return format === 'json_cee' ? `@cee: ${JSON.stringify(body)}\n` : `${JSON.stringify(body)}\n`
}
