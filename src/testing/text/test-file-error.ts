import { placeText, type StepPlace, TestSetupError } from '../failure.ts'

/** A line of a test file that cannot be read: where, what was expected there, what stands there. */
export class TestFileError extends TestSetupError {
  readonly place: StepPlace
  constructor(place: StepPlace, message: string) {
    super(`${placeText(place)}: ${message}`)
    this.place = place
  }
}
