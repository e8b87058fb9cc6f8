import { describe, expect, it } from 'vitest'
import { Catalogue, EventNameError } from '../../src/events/catalogue.ts'
import { field } from '../../src/util/spec.ts'
import { silentLog } from '../conformance/host.ts'

const SPEC = { doc: 'd', fields: { domain: field('str', 'd'), uri: field('str', 'u') }, legacyFields: ['uri'] }

describe('the catalogue', () => {
  it('hands out ids in order and gives the event a name already has', () => {
    const catalogue = new Catalogue('4.0', silentLog)
    const first = catalogue.define('E_A', null, 'core')
    expect(first.id).toBe(0)
    expect(catalogue.define('E_B', SPEC, 'x').id).toBe(1)
    expect(catalogue.define('E_A', null, 'y')).toBe(first)
    expect(catalogue.all().map(event => event.name)).toEqual(['E_A', 'E_B'])
  })

  it('completes an event that only a script had named', () => {
    const catalogue = new Catalogue('4.0', silentLog)
    const event = catalogue.define('E_A', null, 'script')
    expect(event.isOpen).toBe(true)
    catalogue.define('E_A', SPEC, 'usrloc')
    expect(event).toMatchObject({ id: 0, module: 'usrloc', fieldNames: ['domain', 'uri'], isOpen: false })
  })

  it('has the fields of 2.4 in that era', () => {
    expect(new Catalogue('2.4', silentLog).define('E_A', SPEC, 'x').fieldNames).toEqual(['uri'])
  })

  it('takes names of up to 64 bytes', () => {
    const catalogue = new Catalogue('4.0', silentLog)
    expect(catalogue.define('é'.repeat(32), null, 'x').id).toBe(0)
    expect(() => catalogue.define(`${'é'.repeat(32)}x`, null, 'x')).toThrow(EventNameError)
    expect(() => catalogue.define('', null, 'x')).toThrow(EventNameError)
    expect(catalogue.all()).toHaveLength(1)
  })
})
