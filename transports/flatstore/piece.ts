import type { DeliveryError, WireEvent } from '../../src/events/transport.ts'

/**
 * Adds an event as a line, with its end, to a text; or says why it cannot be one. To add each part to the one text is
 * what the runtime is fastest at.
 */
export type LineWriter = (text: string, event: WireEvent) => string | DeliveryError

/** What may still go into a file before it is rotated; infinite where there is no bound. */
export interface Room {
  readonly lines: number
  /** The line that reaches it still goes in. */
  readonly bytes: number
}

export const NO_BOUND: Room = { lines: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/** Neighbouring events of a batch as one write. */
export interface Piece {
  readonly bytes: Buffer
  readonly lines: number
  /** Where its last event stands in the batch, plus one. */
  readonly to: number
  /** The first and the last event that are in it. */
  readonly ends: readonly [first: WireEvent, last: WireEvent] | undefined
}

/** Written in pieces of about this many characters. */
const PIECE = 262_144

/**
 * Encodes events from `from` on, up to a piece's size or to the end of the room. `refuse` is told of those that cannot be
 * lines.
 */
export function encodePiece(
  batch: readonly WireEvent[],
  from: number,
  addLine: LineWriter,
  room: Room,
  refuse: (at: number, error: DeliveryError) => void,
): Piece {
  const isBounded = room.bytes !== Number.POSITIVE_INFINITY
  let text = ''
  let [lines, bytes, to] = [0, 0, from]
  let first: WireEvent | undefined
  let last: WireEvent | undefined
  while (to < batch.length && lines < room.lines && text.length < PIECE && bytes < room.bytes) {
    const event = batch[to++] as WireEvent
    const longer = addLine(text, event)
    if (typeof longer !== 'string') {
      refuse(to - 1, longer)
      continue
    }
    if (isBounded) bytes += Buffer.byteLength(longer.slice(text.length))
    text = longer
    lines++
    first ??= event
    last = event
  }
  const ends = first === undefined || last === undefined ? undefined : ([first, last] as const)
  return { bytes: Buffer.from(text), lines, to, ends }
}
