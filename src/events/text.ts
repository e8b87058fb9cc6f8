import type { Value } from '../util/spec.ts'
import type { EventCodec, EventData } from './transport.ts'

/*
 * The payload of OpenSIPS 2.2–2.4 (events reference §3.0.1):
 *
 *     datagram = event-name LF { param LF } LF
 *     message  = event-name { LF param }
 *     param    = [ name "::" ] value
 *
 * A value with a LF is wrapped in quotes and each `"` in it gets a backslash; any other value is written as it is.
 * NULL is written as nothing. Integers are signed, where OpenSIPS wrote −1 as 18446744073709551615.
 */

/** The legacy text as it goes into a datagram: ends with an empty line. */
export const textDatagram: EventCodec = {
  name: 'text-datagram',
  encode: event => Buffer.from(`${lines(event)}\n\n`),
}

/** The legacy text as it goes into a broker's message: no line end at the end. */
export const textMessage: EventCodec = {
  name: 'text-message',
  encode: event => Buffer.from(lines(event)),
}

function lines(event: EventData): string {
  let text = event.name
  for (let i = 0; i < event.values.length; i++) {
    const value = event.values[i]
    if (value === undefined) continue
    const name = event.names?.[i] ?? ''
    text += name === '' ? `\n${valueText(value)}` : `\n${name}::${valueText(value)}`
  }
  return text
}

function valueText(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  return value.includes('\n') ? `"${value.replaceAll('"', '\\"')}"` : value
}
