import { describe, expect, it } from 'vitest'
import { Catalogue } from '../../src/events/catalogue.ts'
import { parseFilter } from '../../src/events/filter.ts'
import { FilterError } from '../../src/events/filter-scanner.ts'
import type { Value } from '../../src/util/spec.ts'
import { field } from '../../src/util/spec.ts'
import { silentLog } from '../conformance/host.ts'

const NAMES = ['aor', 'uri', 'expires', 'received']
const VALUES: readonly (Value | undefined)[] = ['bob@x', 'sip:bob@10.0.0.7:5060;transport=udp', 3600, null]
const holds = (text: string): boolean => parseFilter(text, null).matches(NAMES, VALUES)

const SPEC = {
  doc: 'd',
  fields: { aor: field('str', 'a'), uri: field('str', 'u') },
  formerFields: { address: 'uri' },
}
const CONTACT = new Catalogue('4.0', silentLog).define('E_CONTACT', SPEC, 'usrloc')

describe('a filter', () => {
  it.each<[string, boolean]>([
    ['aor=bob@*', true],
    ['aor=bobby@*', false],
    ['aor=bob@x', true],
    ['aor=BOB@x', false],
    ['AOR=bob@x', true],
    ['aor = bob@x', false],
    ['aor=bob@x;expires=3600', true],
    ['aor=bob@x expires=3600', true],
    ['aor=bob@x ; expires=3601', false],
    ['aor!=alice@x', true],
    ['aor!=bob@*', false],
    ['expires<3601', true],
    ['expires<3600', false],
    ['expires<=3600', true],
    ['expires>0', true],
    ['expires>3600', false],
    ['expires>=3600', true],
    ['aor>1', false],
    ['aor in(alice@x,bob@x)', true],
    ['aor in ( alice@x , bob@* )', true],
    ['aor in(alice@x)', false],
    ['aor~^b.b@', true],
    ['aor~^x', false],
    ['uri="sip:bob@10.0.0.?:5060;transport=*"', true],
    ["uri='sip:bob@10.0.0.?:5060;transport=*'", true],
    ['uri=sip:*', true],
    ['received=*', false],
    ['received!=x', true],
    ['missing=x', false],
    ['missing!=x', true],
    ['expires=36*', true],
    [';; aor=bob@x ;', true],
  ])('%s gives %s', (text, expected) => {
    if (text === 'aor = bob@x') expect(() => holds(text)).toThrow(FilterError)
    else expect(holds(text)).toBe(expected)
  })

  it('keeps quotes inside a plain value', () => {
    const filter = parseFilter('body=*"Unique-ID":*u1*', null)
    expect(filter.matches(['body'], ['{"Unique-ID":"u1"}'])).toBe(true)
  })

  it('takes "" for empty text', () => {
    expect(parseFilter('attr=""', null).matches(['attr'], [''])).toBe(true)
    expect(parseFilter('attr=""', null).matches(['attr'], ['x'])).toBe(false)
  })

  it('compares negative integers by their signed text', () => {
    expect(parseFilter('n=-5', null).matches(['n'], [-5])).toBe(true)
    expect(parseFilter('n<-4', null).matches(['n'], [-5])).toBe(true)
  })

  it('counts the first of two fields with one name', () => {
    expect(parseFilter('s=y', null).matches(['s', 's'], ['y', 'x'])).toBe(true)
    expect(parseFilter('s=x', null).matches(['s', 's'], ['y', 'x'])).toBe(false)
  })

  it('meets no positional event', () => {
    expect(parseFilter('a=1', null).matches(null, [1])).toBe(false)
  })

  it.each<[string, number, string]>([
    ['', 0, 'expected a condition'],
    ['foo=1', 0, 'E_CONTACT has no field "foo"; its fields are aor, uri'],
    ['aor=x;foo=1', 6, 'has no field "foo"'],
    ['aor', 3, 'expected one of = != < <= > >= ~ in('],
    ['aor=', 4, 'expected a value (write "" for empty text)'],
    ['=x', 0, 'expected the name of a field'],
    ['aor="x', 4, 'no closing "'],
    ['aor="x"y', 7, 'expected ";" or a blank'],
    ['aor<x', 4, 'expected a number'],
    ['aor in(a,b', 10, 'expected "," or ")"'],
    ['aor in a', 4, 'expected one of'],
    ['aor~(', 4, 'not a regular expression'],
  ])('%j is refused at offset %i: %s', (text, offset, message) => {
    const error = failure(() => parseFilter(text, CONTACT))
    expect(error.message).toContain(message)
    expect(error.offset).toBe(offset)
  })

  it('resolves a former field name', () => {
    const filter = parseFilter('address=sip:*', CONTACT)
    expect(filter.text).toBe('uri=sip:*')
    expect(filter.matches(['aor', 'uri'], ['a', 'sip:x'])).toBe(true)
  })

  it('resolves a present field name in an era that had another', () => {
    const legacy = new Catalogue('2.4', silentLog).define('E', { ...SPEC, legacyFields: ['address', 'aor'] }, 'usrloc')
    expect(parseFilter('uri=sip:*', legacy).matches(['address', 'aor'], ['sip:x', 'a'])).toBe(true)
  })

  it('takes any key where the event can carry any field', () => {
    const open = new Catalogue('4.0', silentLog).define(
      'E',
      { doc: 'd', fields: { '<extra>': field('str', 'x') } },
      'acc',
    )
    expect(parseFilter('foo=1', open).matches(['foo'], [1])).toBe(true)
  })

  it.each(['aor=bob@*', 'aor="a b";uri!=x', 'aor in(a,"b,c",d)', 'aor~"^a b"', 'uri<=5;aor=a"b', 'aor=""'])(
    'has a canonical text that parses to the same: %s',
    text => {
      const canonical = parseFilter(text, null).text
      expect(parseFilter(canonical, null).text).toBe(canonical)
    },
  )

  it('has the same text however it is spaced', () => {
    expect(parseFilter(' aor=a   uri=b ', CONTACT).text).toBe(parseFilter('aor="a";URI=b', CONTACT).text)
  })
})

function failure(run: () => unknown): FilterError {
  try {
    run()
  } catch (error) {
    if (error instanceof FilterError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
