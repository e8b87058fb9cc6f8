import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { escapeParam, escapeUser, parseUri, type SipUri, unescapeParam } from '../../sip/codec/uri.ts'
import { bracketed, withoutBrackets } from '../../sip/net/address.ts'
import type { Contact } from './location.ts'

/** User part of a temporary GRUU: this, then base64url(nonce | tag | encrypted JSON). */
const PREFIX = 'tgruu.'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** The contact a GRUU stands for. */
export interface GruuTarget {
  readonly aor: string
  /** As contacts have it, in `<>`. */
  readonly instance: string
  /** Of a temporary GRUU, the Call-ID it was given out to: it ends with the registration of that (RFC 5627 §3.2). */
  readonly callId: string | null
}

/**
 * Globally routable URIs of user agents (RFC 5627): a public one from the instance, and temporary ones that say nothing of
 * the user to anyone but this registrar, made anew with each answer. All proxies with the same secret understand them.
 */
export class Gruus {
  readonly #key: Buffer

  constructor(secret: string) {
    this.#key = createHash('sha256').update(secret).digest()
  }

  /** Gives the parameters of each contact in the answer to a registration of an AoR; '' for one without instance. */
  writer(aor: string, aorUri: string): (contact: Contact) => string {
    const uri = parseUri(aorUri)
    const host = uri === null ? '' : `${bracketed(withoutBrackets(uri.host))}`
    const user = escapeUser(uri === null ? '' : userOf(aor))
    return ({ instance, callId }) => {
      const urn = /^<([^<>"\\]+)>$/.exec(instance)?.[1]
      if (urn === undefined || host === '') return ''
      const temporary = PREFIX + this.#seal({ aor, instance, callId })
      return (
        `;pub-gruu="sip:${user}@${host};gr=${escapeParam(urn)}"` +
        `;temp-gruu="sip:${temporary}@${host};gr";+sip.instance="${instance}"`
      )
    }
  }

  /** What a URI with the parameter `gr` stands for; null for one that is no GRUU of ours. `aorOf` reads a public one. */
  target(uri: SipUri, aorOf: () => string | null): GruuTarget | null {
    const gr = uri.params.get('gr')
    if (gr === null) return null
    if (gr === '') return uri.user.startsWith(PREFIX) ? this.#unseal(uri.user.slice(PREFIX.length)) : null
    const aor = aorOf()
    return aor === null ? null : { aor, instance: `<${unescapeParam(gr)}>`, callId: null }
  }

  #seal({ aor, instance, callId }: GruuTarget): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    const text = Buffer.concat([cipher.update(JSON.stringify([aor, instance, callId]), 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
  }

  #unseal(sealed: string): GruuTarget | null {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return null
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES))
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
      const [aor, instance, callId] = JSON.parse(text.toString()) as [string, string, string]
      return { aor, instance, callId }
    } catch {
      // Not sealed with our secret.
      return null
    }
  }
}

/** Whether a contact is the one a GRUU stands for. */
export function isTarget(contact: Contact, { instance, callId }: GruuTarget): boolean {
  return contact.instance === instance && (callId === null || contact.callId === callId)
}

function userOf(aor: string): string {
  const at = aor.lastIndexOf('@')
  return at < 0 ? aor : aor.slice(0, at)
}
