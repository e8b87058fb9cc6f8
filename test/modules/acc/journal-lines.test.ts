import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  apply,
  formatLine,
  type JournalLine,
  type JournalledCall,
  linesOf,
  type OpenCall,
  readLines,
} from '../../../src/modules/acc/journal-lines.ts'
import { textOf } from '../../../src/modules/acc/journal-text.ts'
import { LineBuffer } from '../../../src/modules/acc/line-buffer.ts'
import { DIALOG_TABLE } from '../../../src/modules/dialog/dialog-row.ts'

const call = (id: string): JournalledCall =>
  ({
    id,
    core: { method: 'INVITE', fromTag: 'a', toTag: 'b', callId: id, code: '200', reason: 'OK', timeS: 1 },
    receivedMs: 1,
    createdMs: 2,
    answeredMs: 3,
    table: null,
    types: [
      ['log', ['cdr']],
      ['db', ['cdr', 'missed']],
      ['evi', ['missed']],
    ],
    extra: [['who', 'carol']],
    legs: [],
    frozen: { 'evi_extra.x': ['1', null] },
    dialog: { row: rowOf(id), answeredMs: 4, expiresMs: 5, callerSdp: 'v=0\r\n', calleeSdp: '' },
  }) as unknown as JournalledCall

/** Another value in each column, so that none can be taken for another. */
const rowOf = (id: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(DIALOG_TABLE.columns).map(([name, { type }], i) => [name, type === 'int' ? i : `${name} of ${id}`]),
  )

const LINES: readonly JournalLine[] = [
  { op: 'call', call: call('c1') },
  { op: 'call', call: call('c2') },
  { op: 'ended', id: 'c1', endedMs: 9 },
  { op: 'written', id: 'c1', type: 'log' },
  { op: 'call', call: call('c3') },
  { op: 'written', id: 'c2', type: 'log' },
  { op: 'written', id: 'c2', type: 'db' },
  { op: 'forgotten', id: 'c3' },
]
/** A line that holds this text. */
const framed = (text: string): string => `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`
const CONFIRMED: JournalLine = { op: 'row', id: 'c1', row: { state: 4 } }
const TEXT = LINES.map(formatLine).join('')

describe('a journal of calls', () => {
  it('says of each call how far its record is, and nothing of those whose record is complete', () => {
    const { calls, damaged, isTorn } = readLines(TEXT)
    expect({ damaged, isTorn }).toEqual({ damaged: [], isTorn: false })
    expect([...calls.values()]).toEqual([{ call: call('c1'), endedMs: 9, written: ['log'] }])
  })

  it('is written anew as lines that say the same', () => {
    const { calls } = readLines(TEXT)
    const again = readLines([...calls.values()].flatMap(linesOf).map(formatLine).join(''))
    expect(again.calls).toEqual(calls)
  })

  it('takes the columns of a dialog that have changed', () => {
    const { calls } = readLines(formatLine({ op: 'call', call: call('c1') }) + formatLine(CONFIRMED))
    expect(calls.get('c1')?.call.dialog.row).toMatchObject({ state: 4 })
  })

  it('keeps what it knows of a call when the call changes', () => {
    const calls = new Map<string, OpenCall>()
    for (const line of [...LINES.slice(0, 4), { op: 'call', call: call('c1') } as const]) apply(calls, line)
    expect(calls.get('c1')).toMatchObject({ endedMs: 9, written: ['log'] })
  })

  it('is made of the same lines by the buffer they wait in, whatever is in them and however many they are', () => {
    const buffer = new LineBuffer()
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 3_000 }), { maxLength: 40 }), ids => {
        const lines = ids.map((id): JournalLine => ({ op: 'forgotten', id }))
        for (const line of lines) buffer.add(textOf(line))
        expect(buffer.take().toString()).toBe(lines.map(formatLine).join(''))
        expect(buffer.isEmpty).toBe(true)
      }),
    )
  })

  it('that ends anywhere is read as far as its lines are whole', () => {
    fc.assert(
      fc.property(fc.nat(TEXT.length - 1), end => {
        const { damaged, isTorn } = readLines(TEXT.slice(0, end))
        expect(damaged).toEqual([])
        expect(isTorn).toBe(end > 0 && TEXT[end - 1] !== '\n')
      }),
    )
  })

  it('with bytes changed anywhere loses the lines they are in only', () => {
    fc.assert(
      fc.property(fc.nat(TEXT.length - 1), fc.constantFrom('\0', '"', '}', 'x', '\ufffd'), (at, other) => {
        fc.pre(TEXT[at] !== other && TEXT[at] !== '\n')
        const line = TEXT.slice(0, at).split('\n').length
        expect(readLines(TEXT.slice(0, at) + other + TEXT.slice(at + 1)).damaged).toEqual([line])
      }),
    )
  })

  it('with a line of another version passes over it', () => {
    const foreign = framed('["call","c9",[]]') + framed('{"op":"call","call":{"id":"c9"}}') + framed('["gone","c1",1]')
    expect(readLines(foreign + TEXT)).toMatchObject({ damaged: [1, 2, 3], calls: readLines(TEXT).calls })
  })

  it('is read as versions before wrote it, with names', () => {
    const lines = [...LINES.slice(0, 4), CONFIRMED]
    const { calls, damaged } = readLines(lines.map(line => framed(JSON.stringify(line))).join(''))
    expect(damaged).toEqual([])
    expect(calls).toEqual(readLines(lines.map(formatLine).join('')).calls)
    expect(calls.get('c1')?.call.dialog.row.state).toBe(4)
  })

  it('that is any text at all is no trouble', () => {
    fc.assert(fc.property(fc.string(), text => void readLines(text)))
  })
})
