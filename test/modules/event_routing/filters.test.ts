import { describe, expect, it } from 'vitest'
import { Catalogue, type EventType } from '../../../src/events/catalogue.ts'
import { readFilter } from '../../../src/modules/event_routing/filters.ts'
import { field, optionalField } from '../../../src/util/spec.ts'
import { silentLog } from '../../conformance/host.ts'

const catalogue = new Catalogue('4.0', silentLog)
const spec = { doc: '', fields: { aor: field('str', ''), expires: field('int', ''), attr: optionalField('str', '') } }
const CLOSED = catalogue.define('E_CLOSED', spec, 'test')
const OPEN = catalogue.define('E_OPEN', null, 'script')

const VALUES: Readonly<Record<string, string | number>> = { aor: 'bob@x', expires: -7, 'x"y': 'a"b\\' }

function matches(values: readonly (string | number)[], strictness: 'strict' | 'compat', type: EventType = CLOSED) {
  const { filter } = readFilter(values, type, strictness, () => false)
  if (filter === undefined) return 'refused'
  return filter === null || filter.matches(Object.keys(VALUES), Object.values(VALUES))
}

describe('a filter of an event that is known', () => {
  it.each<readonly [filter: readonly (string | number)[], strict: boolean | 'refused', compat: boolean]>([
    [[], true, true],
    [['aor=bob@*'], true, true],
    [['aor=bobby@x'], false, false],
    [['AOR=bob@x'], true, true],
    [['aor=BOB@x'], false, false],
    [['aor=bob@x', 'expires=-7'], true, true],
    [['aor=bob@x', 'expires=7'], false, false],
    [['aor=?ob@[xyz]'], true, true],
    [['aor=bob\\@x'], true, true],
    [['aor=*'], true, true],
    // What an event need not have: without it nothing is known to match, or the condition is passed over.
    [['attr=1'], false, true],
    [['foo=1'], 'refused', true],
    [['foo=1', 'aor=ann'], 'refused', false],
    [['aor'], 'refused', true],
    [['aor='], 'refused', true],
    [['=bob@x'], 'refused', true],
    [[' aor = ann'], false, true],
    [[5], 'refused', true],
    [['aor=ann', 5], 'refused', false],
    [['aor=a;b', 'aor=bob@x'], false, false],
  ])('%j: strict %s, compat %s', (filter, strict, compat) => {
    expect(matches(filter, 'strict')).toBe(strict)
    expect(matches(filter, 'compat')).toBe(compat)
  })
})

describe('a filter of an event that only scripts name', () => {
  it.each<readonly [filter: readonly string[], strict: boolean | 'refused', compat: boolean]>([
    [['aor=bob@x'], true, true],
    [['other=1'], false, true],
    [['aor=ann', 'other=1'], false, false],
  ])('%j: strict %s, compat %s', (filter, strict, compat) => {
    expect(matches(filter, 'strict', OPEN)).toBe(strict)
    expect(matches(filter, 'compat', OPEN)).toBe(compat)
  })
})

describe('what is wrong with a filter', () => {
  it.each([
    ['foo=1', 'E_CLOSED has no field "foo"; its fields are aor, expires, attr'],
    ['aor', '"aor": expected key=pattern, found no "="'],
    ['aor=', '"aor=": expected a pattern behind "=", found nothing'],
    ['=x', '"=x": expected the name of a field before "="'],
    [5, '5: expected text of the form key=pattern'],
  ])('%j is said', (value, fault) => {
    expect(readFilter([value], CLOSED, 'strict', () => false).faults[0]).toContain(fault)
  })
})

describe('a wildcard that the caller brought', () => {
  const filterOf = (strictness: 'strict' | 'compat') =>
    readFilter(['aor=*@[x]?'], CLOSED, strictness, text => text === '*@[x]?').filter

  it('stands for itself', () => {
    expect(filterOf('strict')?.matches(['aor'], ['bob@xy'])).toBe(false)
    expect(filterOf('strict')?.matches(['aor'], ['*@[x]?'])).toBe(true)
  })

  it('is a wildcard with compat, as in OpenSIPS', () => {
    expect(filterOf('compat')?.matches(['aor'], ['bob@xy'])).toBe(true)
  })
})
