import { createRequire } from 'node:module'

/** What is used of the queue of requests that each connection of kafkajs has. */
interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

let isCured = false

/**
 * Makes the client look for requests that wait only while some do. kafkajs 2.2.4 sets the timer for that also when nothing
 * waits, for a time that is over since 1970; Node takes it as 1 ms and says so on standard error (TimeoutNegativeWarning). The
 * timer then sets itself again, so each connection wakes the process about a thousand times a second for as long as it stands.
 * There is no setting against it.
 */
export function cureRequestQueue(): void {
  if (isCured) return
  isCured = true
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    readonly prototype: RequestQueue
  }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    // Whoever adds a request that has to wait calls this again.
    if (this.pending.length > 0) schedule.call(this)
  }
}
