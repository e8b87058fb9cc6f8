/** 4xx that tell the caller what to change: preferred within their class (RFC 3261 §16.7 step 6). */
const INFORMATIVE = new Map([
  [401, 500],
  [407, 501],
  [415, 502],
  [420, 503],
  [484, 504],
])
/** Says nothing about the user, so only chosen when nothing else came. */
const NO_ANSWER = 800
/** RFC 3261 §16.7 step 6: a 503 is not passed on when there is another. */
const UNAVAILABLE = 801

/** How good a negative final reply is: the lowest wins (tm reference, behaviour 5). */
export function priority(status: number, isCancelled: boolean): number {
  if (isCancelled && status === 487) return 0
  if (status >= 600) return status - 300
  if (status < 400) return status + 100
  if (status === 408) return NO_ANSWER
  if (status === 503) return UNAVAILABLE
  return INFORMATIVE.get(status) ?? status + 200
}

/** The best of several final replies, the earlier one of two equals; undefined of none. */
export function bestReply<T extends { readonly finalStatus: number }>(
  candidates: readonly T[],
  isCancelled: boolean,
): T | undefined {
  let best: T | undefined
  for (const candidate of candidates) {
    if (best === undefined || priority(candidate.finalStatus, isCancelled) < priority(best.finalStatus, isCancelled))
      best = candidate
  }
  return best
}
