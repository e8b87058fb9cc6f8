import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../fixtures/golden')

/** Bytes of a recording, `mi/which.datagram.req`. */
export const golden = (name: string): Buffer => readFileSync(join(ROOT, name))

/** The body of a recorded HTTP message. */
export function httpBody(message: Buffer): string {
  return message.subarray(message.indexOf('\r\n\r\n') + 4).toString('utf8')
}
