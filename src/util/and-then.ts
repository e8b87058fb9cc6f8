/** Goes on with a value now if it is there, later if it is a promise: what need not wait stays synchronous. */
export function andThen<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
