import { describe, expect, it } from 'vitest'
import { retryAfterOf, verdictOf } from '../../../transports/http/verdict.ts'

const NOW_MS = Date.UTC(2026, 10, 20, 20, 0, 0)
const DAY_MS = 86_400_000

describe('the answer of a receiver', () => {
  it.each([200, 201, 202, 204, 299])('%i has the event delivered', status => {
    expect(verdictOf(status, undefined, NOW_MS)).toEqual({ outcome: 'delivered' })
  })

  it.each([408, 425, 429, 500, 502, 503, 504, 599])('%i has it tried again', status => {
    expect(verdictOf(status, undefined, NOW_MS)).toMatchObject({
      outcome: 'failed',
      error: { code: 'E_REFUSED', permanent: false, retryAfterMs: undefined },
    })
    expect(verdictOf(status, '7', NOW_MS)).toMatchObject({ error: { retryAfterMs: 7000 } })
  })

  it.each([
    [301, 'redirects are not followed'],
    [307, 'redirects are not followed'],
    [400, '400'],
    [401, 'login or the signature'],
    [404, '404'],
    [410, 'wants no more events'],
    [422, '422'],
  ])('%i refuses it for good', (status, why) => {
    const verdict = verdictOf(status, '7', NOW_MS)
    expect(verdict).toMatchObject({ outcome: 'failed', error: { code: 'E_REFUSED', permanent: true } })
    expect(verdict).toMatchObject({ error: { message: expect.stringContaining(why), retryAfterMs: undefined } })
  })

  it('413 says that the event is too large', () => {
    expect(verdictOf(413, undefined, NOW_MS)).toMatchObject({ error: { code: 'E_TOO_LARGE', permanent: true } })
  })
})

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    [' 120 ', 120_000],
    ['99999999999', DAY_MS],
    ['Fri, 20 Nov 2026 20:00:30 GMT', 30_000],
    ['Friday, 20-Nov-26 20:00:30 GMT', 30_000],
    ['Fri Nov 20 20:00:30 2026', 30_000],
    ['Fri, 20 Nov 2026 19:00:00 GMT', 0],
    ['Fri, 20 Nov 2099 19:00:00 GMT', DAY_MS],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['Fri, 99 Nov 2026 20:00:30 GMT', undefined],
    ['2026-11-20T20:00:30Z', undefined],
  ])('%j is a wait of %s ms', (text, expected) => {
    expect(retryAfterOf(text, NOW_MS)).toBe(expected)
  })
})
