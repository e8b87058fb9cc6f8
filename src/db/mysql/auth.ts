import { constants, createHash, publicEncrypt } from 'node:crypto'

/** Ways of proving a password that are known here. */
export type AuthPlugin = 'mysql_native_password' | 'caching_sha2_password'

export const isAuthPlugin = (name: string): name is AuthPlugin =>
  name === 'mysql_native_password' || name === 'caching_sha2_password'

/** What is sent to prove the password: a hash of it with the server's `nonce` of 20 bytes. Empty for no password. */
export function proof(plugin: AuthPlugin, password: string, nonce: Buffer): Buffer {
  if (password === '') return Buffer.alloc(0)
  if (plugin === 'mysql_native_password') {
    const once = hash('sha1', Buffer.from(password))
    return xor(once, hash('sha1', nonce, hash('sha1', once)))
  }
  const once = hash('sha256', Buffer.from(password))
  return xor(once, hash('sha256', hash('sha256', once), nonce))
}

/** The password itself, for nobody but the owner of the key to read. */
export function sealedPassword(password: string, nonce: Buffer, publicKey: string): Buffer {
  const plain = xor(Buffer.from(`${password}\0`), nonce)
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, plain)
}

function hash(algorithm: 'sha1' | 'sha256', ...parts: readonly Buffer[]): Buffer {
  const digest = createHash(algorithm)
  for (const part of parts) digest.update(part)
  return digest.digest()
}

/** Each byte with the one of `key` at its place; the key begins anew at its end. */
const xor = (bytes: Buffer, key: Buffer): Buffer =>
  Buffer.from(bytes.map((byte, i) => byte ^ (key[i % key.length] ?? 0)))
