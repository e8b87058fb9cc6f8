import { createHash, timingSafeEqual } from 'node:crypto'
import type { CommandRules } from '../permissions.ts'

/** Somebody who may use the listener. */
export interface HttpUser {
  readonly username: string
  readonly password: string
  /** Commands this user may run; null for all. */
  readonly rules: CommandRules | null
}

export interface HttpCredentials {
  readonly realm: string
  readonly users: readonly HttpUser[]
}

/** Basic authentication (RFC 7617). Compares digests, so that the time taken tells nothing about the passwords. */
export class BasicAuth {
  /** What `WWW-Authenticate` says. */
  readonly challenge: string
  readonly #users: readonly { readonly user: HttpUser; readonly digest: Buffer }[]

  constructor({ realm, users }: HttpCredentials) {
    this.challenge = `Basic realm="${realm.replaceAll('"', "'")}", charset="UTF-8"`
    this.#users = users.map(user => ({ user, digest: digest(Buffer.from(`${user.username}:${user.password}`)) }))
  }

  /** The user that a header field `Authorization` names (RFC 7617 §2), or null. */
  userOf(authorization: string | undefined): HttpUser | null {
    const encoded = /^basic +([\w+/=-]+) *$/i.exec(authorization ?? '')?.[1]
    if (encoded === undefined) return null
    const given = digest(Buffer.from(encoded, 'base64'))
    const matching = this.#users.filter(one => timingSafeEqual(given, one.digest))
    return matching[0]?.user ?? null
  }
}

const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
