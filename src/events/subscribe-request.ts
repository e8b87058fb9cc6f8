import type { PayloadFormat } from './transport.ts'

/** What a subscription asks for. */
export interface SubscribeRequest {
  /** Name of a published event, or `*` for all. */
  readonly event: string
  /** `scheme:rest`, with or without options behind it (`src/events/socket-options.ts`). */
  readonly socket: string
  /** Lifetime in seconds. Null is permanent; so is 0 from a script, while 0 from management ends the subscription. */
  readonly expireS: number | null
  /** What is left of the lifetime, where some of it is over: a subscription of an earlier run. */
  readonly leftMs?: number | undefined
  readonly filter?: string | undefined
  /** Comes before the option of the same name. */
  readonly format?: PayloadFormat | undefined
  /** Options as they could stand behind the socket, without the brackets; they are added to those that do. */
  readonly options?: string | undefined
  readonly by: 'script' | 'mi'
}

export type SubscribeErrorCode = 'E_UNKNOWN_EVENT' | 'E_BAD_SOCKET' | 'E_BAD_FILTER' | 'E_BAD_EXPIRE'

/** A subscription that cannot be made: which part of the request is at fault, and why. */
export class SubscribeError extends Error {
  override readonly name = 'SubscribeError'
  readonly code: SubscribeErrorCode
  readonly part: 'event' | 'socket' | 'filter' | 'expire'
  constructor(code: SubscribeErrorCode, part: SubscribeError['part'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.part = part
  }
}
