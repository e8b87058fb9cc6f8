import { HeaderId } from '../../sip/codec/header-id.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { Params } from '../../sip/codec/params.ts'
import type { EventPackage } from './api.ts'

/** The event a request is about. */
export interface RequestedEvent {
  readonly package: EventPackage
  /** Its parameter `id`, '' without (RFC 6665 §8.2.1). */
  readonly id: string
}

/** Every event package. */
export class EventPackages {
  readonly #packages = new Map<string, EventPackage>()

  register(added: EventPackage): void {
    if (this.#packages.has(added.name)) throw new Error(`the event package ${added.name} is registered twice`)
    this.#packages.set(added.name, added)
  }

  find(name: string): EventPackage | undefined {
    return this.#packages.get(name)
  }

  /** The packages that tell of the watchers of this one. */
  tellingOf(name: string): readonly EventPackage[] {
    return [...this.#packages.values()].filter(({ watchersOf }) => watchersOf === name)
  }

  /** The event of a request; null where it names none that is known. */
  of(message: SipMessage): RequestedEvent | null {
    const value = message.value(HeaderId.event) ?? ''
    const semicolon = value.indexOf(';')
    const type = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase()
    const params = Params.parse(semicolon < 0 ? '' : value.slice(semicolon))
    const found = this.#packages.get(params.has('sla') ? `${type};sla` : type)
    return found === undefined ? null : { package: found, id: params.get('id') ?? '' }
  }

  /** The value of Allow-Events. */
  get names(): string {
    return [...this.#packages.keys()].join(', ')
  }
}
