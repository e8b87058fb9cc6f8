/** Whose state it is: user unescaped, domain in lower case. */
export interface Address {
  readonly user: string
  readonly domain: string
}

/** Who watches a presentity, as watcher information tells it (RFC 3857). */
export interface Watcher {
  /** Of the subscription, the same as long as it lasts. */
  readonly id: string
  readonly uri: string
  readonly status: 'active' | 'pending'
  /** Time the subscription still lasts. */
  readonly expiresS: number
}

/** What is known of a presentity for one event package. */
export interface State {
  readonly address: Address
  /** `sip:user@domain` */
  readonly uri: string
  /** Documents that were published and have not expired, the newest first. */
  readonly documents: readonly string[]
  /** Of a package that tells of watchers: those of the package it is about. */
  readonly watchers: readonly Watcher[]
  /** Grows by one with each NOTIFY of a subscription, from 0. */
  readonly version: number
}

/** What a watcher may see: `polite-block` pretends that nobody is there, `blocked` refuses the subscription. */
export type Permission = 'active' | 'pending' | 'polite-block' | 'blocked'

export interface PermissionQuery {
  readonly address: Address
  /** URI of who wants to watch. */
  readonly watcher: string
  /** As in {@link State}. */
  readonly documents: readonly string[]
  /** Conditions on the sphere count. */
  readonly checksSphere: boolean
}

/** An event package (RFC 6665 §5.4). */
export interface EventPackage {
  /** As in Event, with the parameter that tells packages apart: `dialog;sla`. */
  readonly name: string
  /** Of the bodies of NOTIFY. */
  readonly contentType: string
  /** Content types of what may be published, in lower case; none: nothing may be. */
  readonly accepts: readonly string[]
  /** The package whose watchers this one tells of. */
  readonly watchersOf?: string
  /** What is wrong with a document somebody wants to publish; null when nothing is. */
  fault?(document: string): string | null
  /** The body of NOTIFY; null without. */
  compose(state: State): string | null
  /** A document that is there beside what was published, as if it had been published first; null without. */
  background?(address: Address): Promise<string | null>
  /** The body for a presentity of whom nothing is known. */
  offline?(uri: string): string
  /** Without it everybody may watch. */
  permit?(query: PermissionQuery): Permission | Promise<Permission>
}

/** What other modules do with presence. */
export interface PresenceApi {
  /** Makes an event package known. Throws an Error where the name is taken. */
  register(eventPackage: EventPackage): void
}

declare module '../../module/define.ts' {
  interface ModuleApis {
    presence: PresenceApi
  }
}
