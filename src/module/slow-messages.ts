import type { RouteContext, Step } from '../script/context.ts'
import type { AssembledHost } from './assembly.ts'
import { raiseThreshold } from './threshold-event.ts'

/**
 * The main route with a watch on it (`exec_msg_threshold`): a message that took strictly longer than `thresholdUs` is
 * logged, counted as `core:slow_messages` and raised as E_CORE_THRESHOLD. Time a message spends waiting counts too.
 */
export function watchSlowMessages(main: Step, thresholdUs: number, { bus, clock, proxy, logger }: AssembledHost): Step {
  const log = logger.part('core')
  const judge = (m: RouteContext, startedMs: number): void => {
    const tookUs = Math.round((clock.monotonicMs() - startedMs) * 1000)
    if (tookUs <= thresholdUs) return
    proxy.counts.slowMessages.value++
    log.warn('a message took long', { us: tookUs, limit: thresholdUs, call_id: m.message.callId })
    raiseThreshold(bus, 'msg processing', tookUs, m.message.bytes.toString('utf8'))
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
