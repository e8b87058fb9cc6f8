import { crc32 } from 'node:zlib'

/** JSON and, on a line of its own, its checksum. */
export function checkedJson(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value))
  return Buffer.concat([text, Buffer.from(`\n${crc32(text).toString(16)}\n`)])
}

/** What {@link checkedJson} was given; undefined when the bytes are not whole. */
export function readCheckedJson(bytes: Buffer): unknown {
  const end = bytes.indexOf(0x0a)
  if (end < 0) return undefined
  const text = bytes.subarray(0, end)
  if (bytes.subarray(end + 1).toString('latin1') !== `${crc32(text).toString(16)}\n`) return undefined
  return JSON.parse(text.toString('utf8'))
}
