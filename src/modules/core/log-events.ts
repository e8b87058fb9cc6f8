import { type LogRecord, levelLabel, messageText, syslogTime } from '../../log/logger.ts'
import type { EventFields } from '../../util/spec.ts'
import type { coreEvents } from './events.ts'

/** The fields of E_CORE_LOG for one written line. */
export function logEventFields(record: LogRecord, prefix: string): EventFields<typeof coreEvents.E_CORE_LOG> {
  return {
    time: syslogTime(record.timeMs),
    pid: record.pid,
    level: levelLabel(record.level),
    module: record.part === '' ? undefined : record.part,
    prefix: prefix === '' ? undefined : prefix,
    message: messageText(record),
  }
}
