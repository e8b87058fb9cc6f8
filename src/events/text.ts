import type { Value } from '../util/spec.ts'
import { DeliveryError, type EventData, type PlainCodec } from './transport.ts'

/*
 * The payload of OpenSIPS 2.2–2.4 (events reference §3.0.1):
 *
 *     datagram = event-name LF { param LF } LF
 *     message  = event-name { LF param }
 *     param    = [ name "::" ] value
 *     value    = text without LF | '"' { char | '\\' | '\"' } '"'
 *
 * A value with a LF is wrapped in quotes; in them a backslash protects a quote and a backslash. So is a value that
 * begins with a quote, and one without a name that holds `::`: what OpenSIPS writes for these cannot be told from others.
 * Any other value is written as it is. NULL is written as nothing; numbers cannot be told from their text. Integers are
 * signed, where OpenSIPS wrote −1 as 18446744073709551615. Names that would read as something else are refused.
 */

/** The legacy text as it goes into a datagram: ends with an empty line. */
export const textDatagram: PlainCodec = {
  name: 'text-datagram',
  contentType: 'text/plain; charset=utf-8',
  encode: event => Buffer.from(`${lines(event)}\n\n`),
}

/** The legacy text as it goes into a broker's message: no line end at the end. */
export const textMessage: PlainCodec = {
  name: 'text-message',
  contentType: 'text/plain; charset=utf-8',
  encode: event => Buffer.from(lines(event)),
}

function lines(event: EventData): string {
  if (event.name.includes('\n')) throw unreadable('the name of the event holds a line end')
  let text = event.name
  for (let i = 0; i < event.values.length; i++) {
    const value = event.values[i]
    if (value === undefined) continue
    const name = event.names?.[i] ?? ''
    text += name === '' ? `\n${valueText(value, true)}` : `\n${checked(name)}::${valueText(value, false)}`
  }
  return text
}

function checked(name: string): string {
  if (name.includes('\n') || name.includes('::') || name.endsWith(':') || name.startsWith('"'))
    throw unreadable(`the name ${JSON.stringify(name)} of a parameter would be read as something else`)
  return name
}

function valueText(value: Value, isNameless: boolean): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const isPlain = !value.includes('\n') && !value.startsWith('"') && !(isNameless && value.includes('::'))
  return isPlain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`
}

function unreadable(why: string): DeliveryError {
  return new DeliveryError('E_UNENCODABLE', `the text form cannot carry it: ${why}`, { permanent: true })
}
