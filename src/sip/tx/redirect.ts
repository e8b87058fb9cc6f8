/** One place a redirected caller may try. */
export interface Alternative {
  readonly uri: string
  /** 0…1000; negative: none. */
  readonly q: number
}

/**
 * The Contact line, with CRLF, of a 3xx that names the destination set of a request (RFC 3261 §8.3): the current
 * Request-URI if it is no longer the one received, and the additional branches. '' when there are none.
 */
export function redirectContacts(
  receivedUri: string,
  current: Alternative,
  additional: readonly Alternative[],
): string {
  const alternatives = current.uri === receivedUri ? additional : [current, ...additional]
  if (alternatives.length === 0) return ''
  return `Contact: ${alternatives.map(contact).join(', ')}\r\n`
}

function contact(alternative: Alternative): string {
  if (alternative.q < 0) return `<${alternative.uri}>`
  return `<${alternative.uri}>;q=${String(Math.min(alternative.q, 1000) / 1000)}`
}
