import { describe, expect, it } from 'vitest'
import { dummyContext } from '../../src/script/dummy.ts'

describe('dummy request', () => {
  it('is what routes run on that no message started', () => {
    const { message, origin, target } = dummyContext('timer', 0)
    expect(message.fault).toBeNull()
    expect([message.method, target.uri, message.callId]).toEqual(['DUMMY', 'sip:user@dummy.com', 'dummy-1'])
    expect([message.from?.uri, message.fromTag, message.to?.uri]).toEqual([
      'sip:from@dummy.com',
      '1',
      'sip:to@dummy.com',
    ])
    expect(origin.address).toBe('127.0.0.1')
  })

  it('is fresh each time: nothing one run stored or edited shows in the next', () => {
    const first = dummyContext('event', 1)
    first.avps.push('x', 1)
    first.edits.insert(first.message.headersEnd, 'X: 1\r\n')
    first.vars[0] = 'kept'
    const second = dummyContext('event', 1)
    expect([second.avps.count('x'), second.edits.isEmpty, second.vars[0]]).toEqual([0, true, null])
  })
})
