/** Return codes of the functions that ask a web server (rest_client reference). */
export const RestCode = {
  done: 1,
  refused: -1,
  connectTimeout: -2,
  transferTimeout: -3,
  alreadyConnecting: -4,
  failed: -10,
} as const
export type RestCode = (typeof RestCode)[keyof typeof RestCode]

/** What a web server is asked. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[]>>
  /** Null: the request has none. */
  readonly body: string | null
  /** Name of the TLS client domain to connect with, if not the default. */
  readonly tlsDomain: string | null
}

/** A complete reply, whatever its status. */
export interface HttpReply {
  readonly code: typeof RestCode.done
  readonly status: number
  /** Null: the server named none. */
  readonly contentType: string | null
  readonly body: string
}

/** Why there is no reply. */
export interface HttpFailure {
  readonly code: Exclude<RestCode, typeof RestCode.done>
  readonly reason: string
}

export type HttpOutcome = HttpReply | HttpFailure

/** Makes a failure. */
export const failure = (code: HttpFailure['code'], reason: string): HttpFailure => ({ code, reason })

/** Errors of the operating system that say that nobody takes the connection, as curl sees it. */
const REFUSED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES'])

/** What an error of the HTTP client or of a socket means for the script. */
export function failureOf(error: Error): HttpFailure {
  const code = systemCode(error)
  if (REFUSED.has(code)) return failure(RestCode.refused, error.message)
  return failure(code === 'ETIMEDOUT' ? RestCode.connectTimeout : RestCode.failed, error.message)
}

/** The code of the error, or of the first of several attempts to connect; '' if it has none. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const { code, cause } = error as Error & { readonly code?: unknown }
  if (error instanceof AggregateError && error.errors.length > 0) return systemCode(error.errors[0])
  if (typeof code === 'string' && !code.startsWith('ERR_GOT')) return code
  return systemCode(cause)
}
