import { describe, expect, it } from 'vitest'
import { textDatagram, textMessage } from '../../src/events/text.ts'
import type { Value } from '../../src/util/spec.ts'

describe('the legacy text payload', () => {
  it.each<[string, readonly string[] | null, readonly (Value | undefined)[], string]>([
    ['E_PIKE_BLOCKED', ['ip'], ['192.168.2.11'], 'E_PIKE_BLOCKED\nip::192.168.2.11\n\n'],
    ['E_MY_EVENT', null, [5, 3], 'E_MY_EVENT\n5\n3\n\n'],
    ['E_X', ['a'], ['say "hi"\nbye'], 'E_X\na::"say \\"hi\\"\nbye"\n\n'],
    ['E_X', ['a'], ['say "hi" \\'], 'E_X\na::say "hi" \\\n\n'],
    ['E_NONE', null, [], 'E_NONE\n\n'],
    ['E_X', ['a', 'b', 'c', 'd'], ['', null, undefined, -1], 'E_X\na::\nb::\nd::-1\n\n'],
  ])('of %s %j %j is exact as a datagram', (name, names, values, text) => {
    expect(textDatagram.encode({ name, names, values }).toString()).toBe(text)
  })

  it('has no line end at the end of a message', () => {
    const event = { name: 'E_PIKE_BLOCKED', names: ['ip'], values: ['192.168.2.11'] }
    expect(textMessage.encode(event).toString()).toBe('E_PIKE_BLOCKED\nip::192.168.2.11')
    expect(textMessage.encode({ name: 'E_NONE', names: null, values: [] }).toString()).toBe('E_NONE')
  })
})
