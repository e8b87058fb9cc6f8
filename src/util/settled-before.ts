/** Waits for a promise, but no longer than until `signal` aborts. Gives whether the promise settled. Never rejects. */
export function settledBefore(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise(resolve => {
    const abort = (): void => resolve(false)
    const settle = (): void => {
      signal.removeEventListener('abort', abort)
      resolve(true)
    }
    signal.addEventListener('abort', abort, { once: true })
    promise.then(settle, settle)
  })
}
