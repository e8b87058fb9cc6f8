import { expect, it } from 'vitest'
import { strftime } from '../../src/script/strftime.ts'

const t = new Date(2026, 10, 5, 9, 7, 3)

it.each<[string, string]>([
  ['%Y-%m-%d %H:%M:%S', '2026-11-05 09:07:03'],
  ['%a %A %b %B %h', 'Thu Thursday Nov November Nov'],
  ['%e|%k|%l|%I|%p|%P', ' 5| 9| 9|09|AM|am'],
  ['%j %u %w %U %W %V %G %g', '309 4 4 44 44 45 2026 26'],
  ['%y %C %D %F %T %R', '26 20 11/05/26 2026-11-05 09:07:03 09:07'],
  ['%c', 'Thu Nov  5 09:07:03 2026'],
  ['%%Y %n%t|%q', '%Y \n\t|%q'],
  ['%s', String(t.getTime() / 1000)],
])('%s', (format, expected) => {
  expect(strftime(format, t)).toBe(expected)
})
