import { describe, expect, it } from 'vitest'
import { RecurrenceError } from '../../src/util/parse-recurrence.ts'
import { compileTimes } from '../../src/util/recurrence-expression.ts'
import { UnknownZoneError } from '../../src/util/wall-time.ts'

/** Whether a time, ISO 8601 without zone, read as UTC, is one of those meant. */
const isIn = (text: string, time: string): boolean => compileTimes(text)(Date.parse(`${time}Z`))

// 2026-01-01 is a Thursday.
describe('a time recurrence', () => {
  it.each([
    ['', '1999-12-31T00:00:00', true],
    ['UTC|20260101T000000', '2025-12-31T23:59:59', false],
    ['UTC|20260101T000000', '2099-01-01T00:00:00', true],
    ['UTC|20260101', '2026-01-01T00:00:00', true],
    ['UTC|20260101T080000|20260101T180000', '2026-01-01T17:59:59', true],
    ['UTC|20260101T080000|20260101T180000', '2026-01-01T18:00:00', false],
    ['UTC|20260101T080000|20260101T180000', '2026-01-02T12:00:00', false],
    ['UTC|20260101T080000||PT2H30M', '2026-01-01T10:29:59', true],
    ['UTC|20260101T080000||p1dT2h', '2026-01-02T09:59:59', true],
    ['UTC|20260101T080000||P1W', '2026-01-08T08:00:00', false],
  ])('%j holds %s: %s', (text, time, expected) => {
    expect(isIn(text, time)).toBe(expected)
  })

  it.each([
    ['daily', '2026-03-05T08:30:00', true],
    ['daily', '2026-03-05T07:59:59', false],
    ['daily', '2026-03-05T09:00:00', false],
    ['weekly', '2026-03-05T08:30:00', true],
    ['weekly', '2026-03-06T08:30:00', false],
    ['monthly', '2026-03-01T08:30:00', true],
    ['monthly', '2026-03-05T08:30:00', false],
    ['yearly', '2027-01-01T08:30:00', true],
    ['yearly', '2027-02-01T08:30:00', false],
  ])('%s from Thursday 2026-01-01 08:00 for an hour holds %s: %s', (frequency, time, expected) => {
    expect(isIn(`UTC|20260101T080000||PT1H|${frequency}`, time)).toBe(expected)
  })

  it.each([
    ['daily|||', '2026-01-03T00:30:00', true],
    ['daily||2', '2026-01-03T00:30:00', true],
    ['daily||2', '2026-01-04T00:30:00', false],
    ['weekly||2', '2026-01-08T00:30:00', false],
    ['weekly||2', '2026-01-15T00:30:00', true],
    ['monthly||3', '2026-04-01T00:30:00', true],
    ['monthly||3', '2026-05-01T00:30:00', false],
    ['yearly||4', '2030-01-01T00:30:00', true],
    ['yearly||4', '2028-01-01T00:30:00', false],
    ['daily|20260105T000000', '2026-01-05T00:30:00', true],
    ['daily|20260105T000000', '2026-01-06T00:30:00', false],
    ['weekly|||MO,TU,WE,TH,FR', '2026-01-09T00:30:00', true],
    ['weekly|||MO,TU,WE,TH,FR', '2026-01-10T00:30:00', false],
    ['weekly||2|MO', '2026-01-05T00:30:00', false],
    ['weekly||2|MO', '2026-01-12T00:30:00', true],
    ['monthly|||1MO', '2026-02-02T00:30:00', true],
    ['monthly|||1MO', '2026-02-09T00:30:00', false],
    ['monthly|||-1FR', '2026-02-27T00:30:00', true],
    ['monthly|||-1FR', '2026-02-20T00:30:00', false],
    ['yearly|||20MO', '2026-05-18T00:30:00', true],
    ['yearly|||20MO', '2026-05-11T00:30:00', false],
    ['monthly||||15,-1', '2026-02-15T00:30:00', true],
    ['monthly||||15,-1', '2026-02-28T00:30:00', true],
    ['monthly||||15,-1', '2026-02-27T00:30:00', false],
    ['yearly|||||100,-1', '2026-04-10T00:30:00', true],
    ['yearly|||||100,-1', '2028-12-31T00:30:00', true],
    ['yearly|||||100,-1', '2026-04-11T00:30:00', false],
    ['yearly||||||2', '2026-01-08T00:30:00', true],
    ['yearly||||||2', '2026-01-09T00:30:00', false],
    ['yearly||||||53,-1', '2026-12-31T00:30:00', true],
    ['yearly||||||-1', '2027-12-30T00:30:00', true],
    ['yearly||||||-1', '2027-12-23T00:30:00', false],
    ['yearly|||||||3,7', '2026-03-01T00:30:00', true],
    ['yearly|||||||3,7', '2026-04-01T00:30:00', false],
    ['yearly|||SU||||10', '2026-10-04T00:30:00', true],
  ])('an hour from midnight 2026-01-01 by %s holds %s: %s', (rule, time, expected) => {
    expect(isIn(`UTC|20260101T000000||PT1H|${rule}`, time)).toBe(expected)
  })

  it('may last over midnight', () => {
    const night = 'UTC|20260102T220000||PT8H|weekly|||FR'
    expect(
      ['2026-01-10T05:59:59', '2026-01-10T06:00:00', '2026-01-10T22:30:00'].map(time => isIn(night, time)),
    ).toEqual([true, false, false])
  })

  it('follows the clocks of its zone, in summer and in winter', () => {
    const office = 'Europe/Berlin|20260101T090000||PT8H|daily'
    const times = ['2026-01-15T07:59:59', '2026-01-15T08:00:00', '2026-07-15T06:59:59', '2026-07-15T07:00:00']
    expect(times.map(time => isIn(office, time))).toEqual([false, true, false, true])
  })

  it('takes times with Z as UTC', () => {
    const hour = 'Europe/Berlin|20260701T080000Z|20260701T090000Z'
    expect(['2026-07-01T08:30:00', '2026-07-01T06:30:00'].map(time => isIn(hour, time))).toEqual([true, false])
  })
})

describe('time recurrences combined', () => {
  const morning = 'UTC|20260101T080000||PT4H|daily'
  const weekend = 'UTC|20260101T000000||P1D|weekly|||SA,SU'
  it.each([
    [`${morning} & ${weekend}`, '2026-01-03T09:00:00', true],
    [`${morning} & ${weekend}`, '2026-01-05T09:00:00', false],
    [`${morning} / ${weekend}`, '2026-01-03T15:00:00', true],
    [`${morning} / ${weekend}`, '2026-01-05T15:00:00', false],
    [`${morning} & !${weekend}`, '2026-01-05T09:00:00', true],
    [`!(${morning} / ${weekend})`, '2026-01-05T15:00:00', true],
    [`!(${morning} / ${weekend})`, '2026-01-05T09:00:00', false],
    [`${weekend} / ${morning} & !${weekend}`, '2026-01-03T15:00:00', true],
    [`(${weekend} / ${morning}) & !${weekend}`, '2026-01-03T15:00:00', false],
    [
      `Europe/Berlin|20260101T090000||PT1H|daily / America/New_York|20260101T090000||PT1H|daily`,
      '2026-01-15T14:30:00',
      true,
    ],
  ])('%j holds %s: %s', (text, time, expected) => {
    expect(isIn(text, time)).toBe(expected)
  })

  it.each([
    '20260101T250000',
    '20260230T000000',
    'now',
    '2026-01-01',
    '|20260101T000000',
    '20260102T000000|20260101T000000',
    '20260101T000000||1H',
    '20260101T000000||P',
    '20260101T000000||PT1H|hourly',
    '20260101T000000||PT1H|daily||0',
    '20260101T000000||PT1H|weekly|||XX',
    '20260101T000000||PT1H|monthly||||32',
    '20260101T000000||PT1H|yearly|||||||13',
    '20260101T000000||||||||||||',
    '(20260101T000000',
    '20260101T000000)',
    '20260101T000000 &',
    '!',
    '('.repeat(5000),
  ])('%j cannot be read', text => {
    expect(() => compileTimes(text)).toThrow(RecurrenceError)
  })

  it('a zone that does not exist is told', () => {
    expect(() => compileTimes('Mars/Olympus|20260101T000000')(0)).toThrow(UnknownZoneError)
  })
})
