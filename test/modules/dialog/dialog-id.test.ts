import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCreateFlags } from '../../../src/modules/dialog/create-flags.ts'
import { databaseId, idText, parseDialogId } from '../../../src/modules/dialog/dialog-id.ts'
import { DialogState, nextState } from '../../../src/modules/dialog/states.ts'

describe('the id of a dialog', () => {
  it.each([
    ['473.25b1aca3', '3797737413458'],
    ['935.185eef75', '5743847597441'],
    ['3c.088220c', '837720090752'],
  ])('%s is the same as %s', (text, number) => {
    const id = parseDialogId(text)
    expect(id).not.toBeNull()
    expect(parseDialogId(number)).toEqual(id)
    expect([idText(id!), databaseId(id!)]).toEqual([text, number])
  })

  it('is read back from both forms', () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 20 }), word, (entry, number) => {
        const id = { entry, number }
        expect(parseDialogId(idText(id))).toEqual(id)
        expect(parseDialogId(databaseId(id))).toEqual(id)
      }),
    )
  })

  it.each(['', 'x.y', '1.2.3', '123456789.1', '12345678901234567'])('is not "%s"', text => {
    expect(parseDialogId(text)).toBeNull()
  })
})

describe('the flags of create_dialog', () => {
  it('mean the same in words and in letters', () => {
    const words =
      'bye-on-timeout, options-ping-caller | options-ping-callee reinvite-ping-caller,reinvite-ping-callee,end-on-race-condition'
    expect(parseCreateFlags(words)).toBe(parseCreateFlags('BPpRrE'))
    expect(parseCreateFlags('')).toBe(0)
  })

  it('are refused when unknown', () => {
    expect(parseCreateFlags('bye-on-time')).toContain('unknown flag "bye-on-time"')
  })
})

describe('the states of a dialog', () => {
  it('follow from what happens, as the reference has it', () => {
    const { unconfirmed, early, unacknowledged, confirmed, deleted } = DialogState
    const all = [unconfirmed, early, unacknowledged, confirmed, deleted]
    const from = (input: Parameters<typeof nextState>[1]) => all.map(state => nextState(state, input))
    expect(from('provisional')).toEqual([2, 2, 3, 4, 5])
    expect(from('success')).toEqual([3, 3, 3, 4, 3])
    expect(from('failure')).toEqual([5, 5, 3, 4, 5])
    expect(from('ack')).toEqual([1, 2, 4, 4, 5])
    expect(from('bye')).toEqual([1, 2, 5, 5, 5])
    expect(from('abandoned')).toEqual([5, 5, 3, 4, 5])
    expect(from('ended')).toEqual([1, 2, 5, 5, 5])
  })
})
