import { describe, expect, it } from 'vitest'
import maxfwd from '../../../src/modules/maxfwd/index.ts'
import { headers, request } from '../rr/rig.ts'
import { moduleRig, type RigOptions } from '../usrloc/module-rig.ts'

function rig(line: string | null, options: RigOptions = {}) {
  const made = moduleRig([maxfwd], options)
  const text = request({ uri: 'sip:x@y' }).replace('Max-Forwards: 70\r\n', line === null ? '' : `${line}\r\n`)
  const m = made.context(text)
  return { ...made, m, out: () => headers(made.sent(m), 'Max-Forwards') }
}

describe('mf_process_maxfwd_header', () => {
  it.each([
    ['Max-Forwards: 70', 1, ['69']],
    ['Max-Forwards: 1', 1, ['0']],
    ['Max-Forwards: 0', -1, ['0']],
    ['Max-Forwards: many', -2, ['many']],
    ['Max-Forwards: 256', -2, ['256']],
    [null, 2, ['10']],
  ])('for %s gives %i and sends %j', (line, verdict, sent) => {
    const { call, m, out } = rig(line)
    expect(call(m, 'mf_process_maxfwd_header', 10)).toBe(verdict)
    expect(out()).toEqual(sent)
  })

  it('never sends more than max_limit', () => {
    const { call, m, out } = rig('Max-Forwards: 200', { params: { maxfwd: { max_limit: 50 } } })
    expect(call(m, 'mf_process_maxfwd_header', 10)).toBe(1)
    expect(out()).toEqual(['50'])
  })

  it('counts once, however often it is called', () => {
    const { call, m, out } = rig('Max-Forwards: 70')
    call(m, 'mf_process_maxfwd_header', 10)
    expect(call(m, 'mf_process_maxfwd_header', 10)).toBe(1)
    expect(out()).toEqual(['69'])
  })

  it('with an impossible initial value is refused at load', () => {
    expect(() => rig(null).build('mf_process_maxfwd_header', 300)).toThrow('0…255')
  })
})

describe('is_maxfwd_lt', () => {
  it.each([
    ['Max-Forwards: 9', 1],
    ['Max-Forwards: 10', -1],
    [null, -2],
    ['Max-Forwards: x', -3],
  ])('for %s and 10 gives %i', (line, verdict) => {
    const { call, m } = rig(line)
    expect(call(m, 'is_maxfwd_lt', 10)).toBe(verdict)
  })
})
