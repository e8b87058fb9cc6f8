import type { Log, LogFields } from '../../src/log/log.ts'

/** A log that keeps its lines: `error: message {"field":1}`. */
export class MemoryLog implements Log {
  readonly lines: string[] = []
  alert = (message: string, fields?: LogFields): void => this.#add('alert', message, fields)
  crit = (message: string, fields?: LogFields): void => this.#add('crit', message, fields)
  error = (message: string, fields?: LogFields): void => this.#add('error', message, fields)
  warn = (message: string, fields?: LogFields): void => this.#add('warn', message, fields)
  notice = (message: string, fields?: LogFields): void => this.#add('notice', message, fields)
  info = (message: string, fields?: LogFields): void => this.#add('info', message, fields)
  debug = (message: string, fields?: LogFields): void => this.#add('debug', message, fields)

  child(): Log {
    return this
  }

  often(): Log {
    return this
  }

  enabled(): boolean {
    return true
  }

  /** Lines of one level. */
  at(level: string): string[] {
    return this.lines.filter(line => line.startsWith(`${level}:`))
  }

  #add(level: string, message: string, fields: LogFields = {}): void {
    this.lines.push(`${level}: ${message} ${JSON.stringify(fields)}`)
  }
}
