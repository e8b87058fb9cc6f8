import type { Place } from './source.ts'

/** What ended a run in its midst, and where in the script that was. */
export class StatementFault extends Error {
  override readonly name: string = 'StatementFault'
  readonly place: Place
  constructor(place: Place, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.place = place
  }
}
