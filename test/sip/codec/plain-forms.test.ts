import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRouteValue } from '../../../src/sip/codec/name-addr.ts'
import { readPlainAddress } from '../../../src/sip/codec/plain-address.ts'
import { isPlainUri } from '../../../src/sip/codec/plain-uri.ts'
import { PlainVia } from '../../../src/sip/codec/plain-via.ts'
import { parseUri } from '../../../src/sip/codec/uri.ts'
import { type CharacterSink, parseVia, type Via } from '../../../src/sip/codec/via.ts'

const RUNS = { numRuns: 20_000, seed: 20_261_201 }

/** Texts put together out of these pieces, which make values of the grammar and values that nearly are. */
const of = (...pieces: readonly string[]) =>
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map(all => all.join(''))
const PARAMS = [
  ';',
  '=',
  'branch',
  'BRANCH',
  'z9hG4bK',
  'rport',
  'received',
  'tag',
  'Tag',
  'x',
  '1',
  '5060',
  '70000',
  '"',
  '\\',
  ' ',
  '\t',
]
/** Whole ones, so that enough values come out right. */
const WHOLE = [
  ';branch=z9hG4bKa',
  ';branch=z9hG4bK',
  ';rport',
  ';rport=5060',
  ';received=::1',
  ';tag=a',
  ';TAG',
  ';x=[y]/z',
]
const HOSTS = ['192.0.2.1', 'h', '[::1]', ':', '0', '@', '_']
const place = (text: string) => ({ header: 3, start: 0, end: Buffer.byteLength(text) })

function taken(via: Via): string {
  let all = ''
  const sink: CharacterSink = {
    text: text => void (all += `${text}|`),
    bytes: (bytes, start, end) => void (all += `${Buffer.from(bytes.slice(start, end)).toString('latin1')}|`),
    folded: text => void (all += `${text.toLowerCase()}|`),
    foldedBytes: (bytes, start, end) =>
      void (all += `${Buffer.from(bytes.slice(start, end)).toString('latin1').toLowerCase()}|`),
  }
  via.hostTo(sink)
  via.branchTo(sink)
  return all
}

describe('values in the form that nearly all have', () => {
  it('of Via are read as any other is', () => {
    let plain = 0
    fc.assert(
      fc.property(
        fc.constantFrom('SIP/2.0/', 'sip/2.0/', 'SIP/2.0'),
        fc.oneof(fc.constant('UDP'), of('UDP', 'tcp', ' ', '(')),
        fc.oneof(
          of(...WHOLE).map(params => `h:5070${params}`),
          of(...HOSTS, ...WHOLE, ...PARAMS, ')'),
        ),
        (start, mid, rest) => {
          const text = `${start}${mid} ${rest}`
          const via = PlainVia.read(Buffer.from(text), 3, 0, Buffer.byteLength(text))
          if (via === null) return
          plain++
          const general = parseVia(text, place(text))
          expect(general).not.toBeNull()
          if (general === null) return
          for (const part of ['protocol', 'version', 'transport', 'host', 'port', 'comment', 'isMalformed'] as const)
            expect([text, part, via[part]]).toEqual([text, part, general[part]])
          for (const part of ['branch', 'hasCookie', 'received', 'rport', 'start', 'end', 'header'] as const)
            expect([text, part, via[part]]).toEqual([text, part, general[part]])
          expect(via.params.text).toBe(general.params.text)
          expect(taken(via)).toBe(taken(general))
        },
      ),
      RUNS,
    )
    expect(plain).toBeGreaterThan(500)
  })

  it('of addresses are read as any other is', () => {
    let plain = 0
    const uri = ['sip:', 'tel:', 'a@', '<', '>', 'é', ...HOSTS]
    fc.assert(
      fc.property(
        of('Bob', ' ', '"', '"Bob" ', '\\', 'é'),
        fc.oneof(fc.constant('a@h:1'), of(...uri)),
        fc.oneof(of(...WHOLE), of(...WHOLE, ...PARAMS)),
        (display, middle, rest) => {
          const text = `${display}<sip:${middle}>${rest}`.trim()
          const address = readPlainAddress(Buffer.from(text), place(text))
          if (address === null) return
          plain++
          const general = parseRouteValue(text, place(text))
          expect(general).not.toBeNull()
          if (general === null) return
          for (const part of ['display', 'uri', 'tag', 'start', 'end', 'header', 'bracketed'] as const)
            expect([text, part, address[part]]).toEqual([text, part, general[part]])
          expect(address.params.text.trim()).toBe(general.params.text.trim())
        },
      ),
      RUNS,
    )
    expect(plain).toBeGreaterThan(500)
  })

  it('of Request-URIs are URIs without headers', () => {
    let plain = 0
    fc.assert(
      fc.property(of('sip:', 'sips:', 'SIP:', '?', ...HOSTS, ...PARAMS), rest => {
        const text = `sip:${rest}`
        if (!isPlainUri(Buffer.from(text), 0, text.length)) return
        plain++
        expect(parseUri(text)).toMatchObject({ scheme: 'sip', headers: '' })
      }),
      RUNS,
    )
    expect(plain).toBeGreaterThan(500)
  })
})
