/** Why a registration is refused. */
export interface Refusal {
  readonly status: 400 | 420 | 500 | 503 | 555
  /** For the header P-Registrar-Error. */
  readonly detail: string
}

export const refuse = (status: Refusal['status'], detail: string): Refusal => ({ status, detail })

/** Reason phrases of the registrar's replies (registrar reference). */
export const REASON = {
  200: 'OK',
  400: 'Bad Request',
  420: 'Bad Extension',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  555: 'Push Notification Service Not Supported',
} as const

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'status' in value && 'detail' in value
}
