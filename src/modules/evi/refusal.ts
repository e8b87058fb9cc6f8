import { SubscribeError } from '../../events/subscribe-request.ts'

/** Why a subscription was not made: the part of the request at fault, then what was expected there. */
export function refusalReason(error: unknown): string {
  if (error instanceof SubscribeError) return `${error.part}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
