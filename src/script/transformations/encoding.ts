import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { escapeParam, escapeUser, unescapeParam, unescapeUser } from '../../sip/codec/uri.ts'
import type { Value } from '../../util/spec.ts'
import { ofText, type TransformationSpec, type TransformationTable, withParams } from './transformation.ts'

const DIGESTS = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const

/** `s.md5` and its like; with `_hmac,key` the keyed form. Hexadecimal, lower case. */
function digests(): TransformationTable {
  const table: Record<string, TransformationSpec> = {}
  for (const name of DIGESTS) {
    table[name] = ofText(text => createHash(name).update(text, 'utf8').digest('hex'))
    table[`${name}_hmac`] = withParams([1, 1], (text, params) => {
      const key = params.text(0)
      return key === undefined ? undefined : createHmac(name, key).update(text, 'utf8').digest('hex')
    })
  }
  return table
}

/** Class `s`: digests and encodings. Text is taken as UTF-8. */
export const encodingTransformations: TransformationTable = {
  ...digests(),
  crc32: ofText(text => String(crc32(text))),
  'encode.hexa': ofText(text => Buffer.from(text, 'utf8').toString('hex')),
  'decode.hexa': ofText(text =>
    isHex(text) && text.length % 2 === 0 ? Buffer.from(text, 'hex').toString('utf8') : undefined,
  ),
  hex2dec: ofText(hexToDecimal),
  dec2hex: ofText(text => (/^[+-]?\d{1,18}$/.test(text) ? BigInt.asUintN(64, BigInt(text)).toString(16) : undefined)),
  b64encode: ofText(text => Buffer.from(text, 'utf8').toString('base64')),
  b64decode: ofText(text =>
    /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text) ? Buffer.from(text, 'base64').toString('utf8') : undefined,
  ),
  xor: withParams([1, 1], (text, params) => {
    const key = params.text(0)
    return key === undefined || key === '' ? undefined : xor(text, key)
  }),
  'escape.common': ofText(text => text.replace(/['"\\]/g, '\\$&').replaceAll('\0', '\\0')),
  'unescape.common': ofText(text => text.replace(/\\(['"\\0])/g, (_, char: string) => (char === '0' ? '\0' : char))),
  'escape.user': ofText(escapeUser),
  'unescape.user': ofText(unescapeUser),
  'escape.param': ofText(escapeParam),
  'unescape.param': ofText(unescapeParam),
  date2unix: ofText(text => {
    const timeMs = Date.parse(text)
    return Number.isNaN(timeMs) ? undefined : Math.floor(timeMs / 1000)
  }),
}

const isHex = (text: string): boolean => /^[0-9a-fA-F]*$/.test(text)

/** A value that fits is an integer, a longer one stays text. */
function hexToDecimal(text: string): Value | undefined {
  if (text === '' || text.length > 16 || !isHex(text)) return undefined
  const value = BigInt(`0x${text}`)
  return value <= 0x7fffffffn ? Number(value) : value.toString()
}

function xor(text: string, key: string): string {
  const bytes = Buffer.from(text, 'utf8')
  const mask = Buffer.from(key, 'utf8')
  return Buffer.from(bytes.map((byte, i) => byte ^ (mask[i % mask.length] ?? 0))).toString('utf8')
}
