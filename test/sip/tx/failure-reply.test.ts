import { describe, expect, it } from 'vitest'
import { failurePhrase, failureReply } from '../../../src/sip/tx/failure-reply.ts'

describe('replies to local failures (tm reference, behaviour 13)', () => {
  it.each([
    ['unresolvable', 476, 'Unresolvable destination (476/TM)'],
    ['send-failed', 477, 'Send failed (477/TM)'],
    ['filtered', 473, 'Filtered destination (473/TM)'],
    ['bad-uri', 475, 'Bad URI (475/TM)'],
    ['internal', 500, 'Server error occurred (1/TM)'],
  ] as const)('%s is answered %i', (failure, status, phrase) => {
    const reply = failureReply(failure)
    expect([reply.status, failurePhrase(reply, 'TM')]).toEqual([status, phrase])
  })

  it('names the module that sends it', () => {
    expect(failurePhrase(failureReply('internal'), 'SL')).toBe('Server error occurred (1/SL)')
  })
})
