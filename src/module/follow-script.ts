import { type Filter, parseFilter } from '../events/filter.ts'
import { FilterError } from '../events/filter-scanner.ts'
import { MiError } from '../mi/management-interface.ts'
import type { ScriptAccess } from '../script/access.ts'
import { TRACE_KEYS } from '../script/trace/message-fields.ts'
import type { TraceRecord } from '../script/trace/records.ts'
import { TooManyTraces } from '../script/trace/traces.ts'

/**
 * Follows what the script does for the messages that a filter lets through, `callid=x;method=INVITE`, all without one. Gives
 * how to end it. Throws MiError for a filter that is no good, and 503 when there are too many traces.
 */
export function followScript(
  { traces }: Pick<ScriptAccess, 'traces'>,
  filterText: string | null,
  listener: (record: TraceRecord) => void,
): () => void {
  const filter = filterText === null || filterText.trim() === '' ? null : readFilter(filterText)
  try {
    return traces.start(filter, listener)
  } catch (error) {
    if (error instanceof TooManyTraces) throw new MiError(503, 'Too many traces', error.message)
    throw error
  }
}

function readFilter(text: string): Filter {
  const refuse = (why: string): never => {
    throw new MiError(400, 'Bad parameter value', `filter: ${why}`)
  }
  try {
    const filter = parseFilter(text, null)
    for (const { key } of filter.conditions)
      if (!TRACE_KEYS.some(known => known === key.toLowerCase()))
        refuse(`a message has no "${key}"; expected ${TRACE_KEYS.join(', ')}`)
    return filter
  } catch (error) {
    if (error instanceof FilterError) return refuse(`character ${error.offset + 1}: ${error.message}`)
    throw error
  }
}
