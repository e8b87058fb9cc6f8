import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { arg, defineModule, optional } from '../../module/define.ts'
import type { Clock } from '../../util/clock.ts'

/** Hundreds of nanoseconds from 1582-10-15 to 1970-01-01 (RFC 9562 §5.1). */
const GREGORIAN_OFFSET = 0x01b21dd213814000n
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Universally unique identifiers (RFC 9562), as the uuid module of OpenSIPS. */
export default defineModule(
  {
    name: 'uuid',
    doc: 'Makes universally unique identifiers.',
    functions: {
      uuid: {
        args: [
          optional(arg('out_var', 'var', 'Takes the identifier.')),
          optional(
            arg('version', 'int', '0 or 4 random, 1 of time and node, 3 and 5 of a name, 7 of time and random.'),
          ),
          optional(arg('namespace', 'str', 'UUID that the name is under, of versions 3 and 5.')),
          optional(arg('name', 'str', 'The name.')),
        ],
        routes: 'any',
        returns: '1; −1 there is no such version, namespace or name',
        doc: 'Makes an identifier.',
      },
    },
    pvars: { uuid: { type: 'str', writable: false, doc: 'A new random identifier at each use.' } },
  },
  ({ clock, log }) => {
    const timed = timeUuids(clock)
    return {
      functions: {
        uuid: (out, version, namespace, name) => {
          if (version?.constant !== undefined && ![0, 1, 3, 4, 5, 7].includes(version.constant))
            version.reject('expected 0, 1, 3, 4, 5 or 7')
          return m => {
            const made = makeUuid(timed, version?.read(m) ?? 0, namespace?.read(m) ?? '', name?.read(m) ?? null)
            if (made === null) {
              log.error('a UUID cannot be made', { version: version?.read(m), namespace: namespace?.read(m) })
              return -1
            }
            return out === undefined || out.read(m).set(m, made) ? 1 : -1
          }
        },
      },
      pvars: { uuid: () => ({ get: () => randomUUID() }) },
    }
  },
)

interface TimeUuids {
  v1(): string
  v7(): string
}

function makeUuid(timed: TimeUuids, version: number, namespace: string, name: string | null): string | null {
  switch (version) {
    case 0:
    case 4:
      return randomUUID()
    case 1:
      return timed.v1()
    case 7:
      return timed.v7()
    case 3:
      return namedUuid('md5', 3, namespace, name)
    case 5:
      return namedUuid('sha1', 5, namespace, name)
    default:
      return null
  }
}

/** RFC 9562 §5.3 and §5.5: the hash of namespace and name. Null where one is missing. */
function namedUuid(algorithm: 'md5' | 'sha1', version: number, namespace: string, name: string | null): string | null {
  if (!UUID.test(namespace) || name === null) return null
  const bytes = Buffer.from(namespace.replaceAll('-', ''), 'hex')
  return format(createHash(algorithm).update(bytes).update(name).digest().subarray(0, 16), version)
}

/** Makes those that begin with the time. No two of one maker are equal. */
function timeUuids(clock: Clock): TimeUuids {
  // A random node, marked as none that is an address (RFC 9562 §6.10), and a clock sequence.
  const node = randomBytes(8)
  node[2] = (node[2] ?? 0) | 1
  let last = 0n
  const v1 = (): string => {
    const now = BigInt(Math.floor(clock.nowMs())) * 10_000n + GREGORIAN_OFFSET
    last = now > last ? now : last + 1n
    const bytes = Buffer.alloc(16)
    bytes.writeUInt32BE(Number(last & 0xffff_ffffn), 0)
    bytes.writeUInt16BE(Number((last >> 32n) & 0xffffn), 4)
    bytes.writeUInt16BE(Number((last >> 48n) & 0x0fffn), 6)
    node.copy(bytes, 8)
    return format(bytes, 1)
  }
  const v7 = (): string => {
    const bytes = randomBytes(16)
    bytes.writeUIntBE(Math.floor(clock.nowMs()), 0, 6)
    return format(bytes, 7)
  }
  return { v1, v7 }
}

/** Sixteen bytes as text, with version and variant put in (RFC 9562 §4). */
function format(bytes: Buffer, version: number): string {
  const marked = Buffer.from(bytes)
  marked[6] = ((marked[6] ?? 0) & 0x0f) | (version << 4)
  marked[8] = ((marked[8] ?? 0) & 0x3f) | 0x80
  return marked.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
