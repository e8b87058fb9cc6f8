/**
 * A 32-bit hash of two texts, never 0 (dispatcher reference, algorithms). Both are read as words of four bytes, the most
 * significant first, each byte signed; what is left over of a text makes one shorter word.
 */
export function hashTexts(first: string, second = ''): number {
  const sum = (hashBytes(Buffer.from(first, 'utf8')) + hashBytes(Buffer.from(second, 'utf8'))) >>> 0
  const mixed = (sum + (sum >>> 11) + (sum >>> 13) + (sum >>> 23)) >>> 0
  return mixed === 0 ? 1 : mixed
}

function hashBytes(bytes: Buffer): number {
  let hash = 0
  let at = 0
  for (; at + 4 <= bytes.length; at += 4) hash = (hash + folded(word(bytes, at, 4))) >>> 0
  return (hash + folded(word(bytes, at, bytes.length - at))) >>> 0
}

function word(bytes: Buffer, from: number, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value = ((value << 8) + bytes.readInt8(from + i)) | 0
  return value >>> 0
}

const folded = (value: number): number => (value ^ (value >>> 3)) >>> 0
