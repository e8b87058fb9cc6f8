import type { RouteContext, Step } from '../script/context.ts'
import type { Host } from './define.ts'

/** Fields of E_CORE_THRESHOLD, in wire order. */
const FIELDS = ['source', 'time', 'extra'] as const

/**
 * The main route with a watch on it (`exec_msg_threshold`): a message that took strictly longer than `thresholdUs` is
 * logged, counted as `core:slow_messages` and raised as E_CORE_THRESHOLD. Time a message spends waiting counts too.
 */
export function watchSlowMessages(main: Step, thresholdUs: number, { bus, clock, stats, logger }: Host): Step {
  const type = bus.catalogue.define('E_CORE_THRESHOLD', null, 'core')
  const slow = stats.counter('core', 'slow_messages', 'Messages that took longer than exec_msg_threshold.')
  const log = logger.part('core')
  const judge = (m: RouteContext, startedMs: number): void => {
    const tookUs = Math.round((clock.monotonicMs() - startedMs) * 1000)
    if (tookUs <= thresholdUs) return
    slow.value++
    log.warn('a message took long', { us: tookUs, limit: thresholdUs, call_id: m.message.callId })
    bus.raise(type, FIELDS, ['msg processing', tookUs, m.message.bytes.toString('utf8')])
  }
  return m => {
    const startedMs = clock.monotonicMs()
    const verdict = main(m)
    if (typeof verdict === 'number') {
      judge(m, startedMs)
      return verdict
    }
    return verdict.finally(() => judge(m, startedMs))
  }
}
