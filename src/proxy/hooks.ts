import type { RouteContext } from '../script/context.ts'
import type { Hop } from '../sip/net/endpoint.ts'
import type { HeadersAtSend, ProxyHooks } from './proxy.ts'
import type { MessageWriter } from './writing.ts'

/** Keeps the callbacks of modules and runs them in the order of registration. */
export class Hooks implements ProxyHooks {
  readonly #writer: MessageWriter
  readonly #screens: ((m: RouteContext) => boolean)[] = []
  readonly #before: ((m: RouteContext) => boolean)[] = []
  readonly #after: ((m: RouteContext) => void)[] = []
  readonly #match: ((m: RouteContext) => boolean)[] = []
  readonly #hop: ((m: RouteContext, hop: Hop) => Hop)[] = []

  constructor(writer: MessageWriter) {
    this.#writer = writer
  }

  screen(callback: (m: RouteContext) => boolean): void {
    this.#screens.push(callback)
  }

  beforeRequest(callback: (m: RouteContext) => boolean): void {
    this.#before.push(callback)
  }

  afterRequest(callback: (m: RouteContext) => void): void {
    this.#after.push(callback)
  }

  matchReply(callback: (m: RouteContext) => boolean): void {
    this.#match.push(callback)
  }

  atHop(callback: (m: RouteContext, hop: Hop) => Hop): void {
    this.#hop.push(callback)
  }

  atSend(m: RouteContext, headers: HeadersAtSend): void {
    this.#writer.atSend(m, headers)
  }

  /** Whether a module wants nothing done with the message. */
  refuses(m: RouteContext): boolean {
    for (const callback of this.#screens) if (callback(m)) return true
    return false
  }

  /** Whether a module has taken the request. */
  takeRequest(m: RouteContext): boolean {
    for (const callback of this.#before) if (callback(m)) return true
    return false
  }

  /** Tells every module, also when one of them fails; gives what they threw. */
  finishRequest(m: RouteContext): readonly unknown[] {
    const errors: unknown[] = []
    for (const callback of this.#after) {
      try {
        callback(m)
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }

  /** The hop as modules want it used. */
  changeHop(m: RouteContext, hop: Hop): Hop {
    let changed = hop
    for (const callback of this.#hop) changed = callback(m, changed)
    return changed
  }

  /** Whether a module has taken the reply. */
  takeReply(m: RouteContext): boolean {
    for (const callback of this.#match) if (callback(m)) return true
    return false
  }
}
