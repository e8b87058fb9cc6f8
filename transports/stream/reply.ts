import { DELIVERED, type Delivery, DeliveryError, failed } from '../../src/events/transport.ts'
import { NotJsonObjects } from './json-objects.ts'

/** What a peer says about one request. */
export interface Reply {
  readonly id: number
  readonly outcome: Delivery
}

const INTERNAL_ERROR = -32_603
const SHOWN_CHARACTERS = 200

/** Reads a reply (JSON-RPC 2.0 §5): a member `error` is a failure, anything else success. Throws NotJsonObjects for want of an `id`. */
export function readReply(value: object): Reply {
  const { id, error } = value as { readonly id?: unknown; readonly error?: unknown }
  if (typeof id !== 'number') throw new NotJsonObjects('expected a reply with a numeric id')
  return { id, outcome: 'error' in value ? failed(refusal(error)) : DELIVERED }
}

function refusal(error: unknown): DeliveryError {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  const shown = (typeof message === 'string' ? message : JSON.stringify(error)).slice(0, SHOWN_CHARACTERS)
  const text = typeof code === 'number' ? `the peer answered error ${code}: ${shown}` : `the peer answered: ${shown}`
  return new DeliveryError('E_REFUSED', text, { permanent: !isTemporary(code) })
}

/** Internal and server errors (JSON-RPC 2.0 §5.1) may pass; the others are about the request. */
function isTemporary(code: unknown): boolean {
  return code === INTERNAL_ERROR || (typeof code === 'number' && code >= -32_099 && code <= -32_000)
}
