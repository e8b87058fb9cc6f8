import { setImmediate as turn } from 'node:timers/promises'

const PATIENCE_MS = 10_000

/** Lets the event loop turn until `check` comes true, for what causes no message that could be waited for. */
export async function until(check: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  while (!check()) {
    if (patience.aborted) throw new Error(`this did not come true: ${check}`)
    await turn()
  }
}
