import type { Log } from '../log/log.ts'
import type { EventSpec } from '../util/spec.ts'

/** Longest event name, in bytes of UTF-8 (events reference §1.1). */
export const MAX_EVENT_NAME_BYTES = 64

/** Which generation of scripts and consumers the defaults follow. */
export type Era = '2.4' | '4.0'

/** A published event. */
export interface EventType {
  /** 0, 1, 2 … in order of publication; never reused. */
  readonly id: number
  readonly name: string
  /** Who published it: a module's name, `core` or `script`. */
  readonly module: string
  /** Null for an event that only a script named. */
  readonly spec: EventSpec | null
  /** The declared fields in wire order of the era; empty without a spec. */
  readonly fieldNames: readonly string[]
  /** The event can carry fields beside the declared ones, so any filter key is allowed. */
  readonly isOpen: boolean
}

/** An event that cannot be published: its name is empty or too long. */
export class EventNameError extends Error {
  override readonly name = 'EventNameError'
}

class PublishedEvent implements EventType {
  readonly id: number
  readonly name: string
  module: string
  spec: EventSpec | null = null
  fieldNames: readonly string[] = []
  isOpen = true
  constructor(id: number, name: string, module: string) {
    this.id = id
    this.name = name
    this.module = module
  }
  describe(spec: EventSpec, module: string, era: Era): void {
    const declared = Object.keys(spec.fields)
    this.module = module
    this.spec = spec
    this.fieldNames = Object.freeze([...((era === '2.4' ? spec.legacyFields : undefined) ?? declared)])
    this.isOpen = declared.length === 0 || declared.some(name => name.startsWith('<'))
  }
}

/** The events that exist: by name, and in order of their ids. */
export class Catalogue {
  readonly #byName = new Map<string, PublishedEvent>()
  readonly #byId: PublishedEvent[] = []
  readonly #era: Era
  readonly #log: Log

  constructor(era: Era, log: Log) {
    this.#era = era
    this.#log = log
  }

  /**
   * Publishes an event. A name that is known gives the event it has; a spec completes one that only a script had named.
   * A field whose name starts with `<` stands for any number of fields named at run time. Throws EventNameError.
   */
  define(name: string, spec: EventSpec | null, module: string): EventType {
    const known = this.#byName.get(name)
    if (known !== undefined) return this.#again(known, spec, module)
    checkName(name)
    const event = new PublishedEvent(this.#byId.length, name, module)
    if (spec !== null) event.describe(spec, module, this.#era)
    this.#byName.set(name, event)
    this.#byId.push(event)
    return event
  }

  find(name: string): EventType | undefined {
    return this.#byName.get(name)
  }

  /** In order of their ids. */
  all(): readonly EventType[] {
    return this.#byId
  }

  #again(known: PublishedEvent, spec: EventSpec | null, module: string): EventType {
    if (spec === null || spec === known.spec) return known
    if (known.spec === null) known.describe(spec, module, this.#era)
    else this.#log.warn('event published twice', { event: known.name, first: known.module, again: module })
    return known
  }
}

function checkName(name: string): void {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0) throw new EventNameError('an event name must not be empty')
  if (bytes > MAX_EVENT_NAME_BYTES)
    throw new EventNameError(`event name ${name} has ${bytes} bytes; ${MAX_EVENT_NAME_BYTES} are allowed`)
}
