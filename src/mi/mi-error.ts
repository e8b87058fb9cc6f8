/** Codes of JSON-RPC 2.0 §5.1 and of the management interface; a command's own codes are positive. */
export const MiCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  methodAmbiguous: -32001,
  invalidParams: -32602,
  serverError: -32000,
  /** The caller may not run this command. */
  forbidden: 403,
} as const

/** Why a management request was refused; becomes the `error` member of the answer. Throw it from a command handler. */
export class MiError extends Error {
  override readonly name = 'MiError'
  readonly code: number
  /** Says more than the message does, which clients compare literally. */
  readonly data?: string
  constructor(code: number, message: string, data?: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    if (data !== undefined) this.data = data
  }
}

/** −32602 `Invalid params`, the message every parameter fault shares; `data` names the fault. */
export const invalidParams = (data: string): MiError => new MiError(MiCode.invalidParams, 'Invalid params', data)

/**
 * What a thrown value means to the caller: itself when it is a MiError, a command's own error when it carries an
 * integer `code`, null when it is a fault of the program and only the log should tell the details.
 */
export function commandError(thrown: unknown): MiError | null {
  if (thrown instanceof MiError) return thrown
  // A DOMException's code (20 for an abort) is numeric too, but means nothing to a management client.
  if (!(thrown instanceof Error) || thrown instanceof DOMException) return null
  const { code, data } = thrown as Error & { code?: unknown; data?: unknown }
  if (typeof code !== 'number' || !Number.isInteger(code)) return null
  return new MiError(code, thrown.message, typeof data === 'string' ? data : undefined, { cause: thrown })
}
