import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

const PREFIX = 'whsec_'
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

/** Whether the text is a signing secret: `whsec_` and base64 (Standard Webhooks, "Signature scheme"). */
export function isSecret(text: string): boolean {
  return text.length > PREFIX.length && text.startsWith(PREFIX) && BASE64.test(text.slice(PREFIX.length))
}

/** The key in a secret that {@link isSecret}. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret.slice(PREFIX.length), 'base64'))
}

/**
 * The value of `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, one for each key with
 * blanks between them, so that a receiver may hold any of the keys. '' without a key. `timestampS`: seconds since 1970.
 */
export function signatures(keys: readonly KeyObject[], id: string, timestampS: number, body: Buffer): string {
  const head = `${id}.${timestampS}.`
  return keys.map(key => `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`).join(' ')
}
