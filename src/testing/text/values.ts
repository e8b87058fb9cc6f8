import { durationMs } from '../duration.ts'
import type { Line } from './line.ts'

const STATUS = /^[1-6]\d\d$/
/** A method of SIP or HTTP as tests write it. */
export const METHOD = /^[A-Z][A-Z0-9-]*$/

/** A duration, in milliseconds. */
export function readMilliseconds(line: Line): number {
  const { text, column } = line.value('a duration')
  const ms = durationMs(text)
  if (ms === undefined)
    throw line.error(`expected a duration such as 500ms, 2.5s, 10m, 3h or 1d, not "${text}"`, column)
  return ms
}

/** A number, whole or not. */
export function readNumber(line: Line): number {
  const { text, column } = line.value('a number')
  const number = Number(text)
  if (text === '' || !Number.isFinite(number)) throw line.error(`expected a number, not "${text}"`, column)
  return number
}

/** A SIP or HTTP status, 100 to 699. */
export function readStatus(line: Line): number {
  const { text, column } = line.value('a status')
  if (!STATUS.test(text)) throw line.error(`expected a status from 100 to 699, not "${text}"`, column)
  return Number(text)
}

/** A method, in capitals. */
export function readMethod(line: Line): string {
  const { text, column } = line.value('a method')
  if (!METHOD.test(text)) throw line.error(`expected a method in capitals such as INVITE, not "${text}"`, column)
  return text
}
