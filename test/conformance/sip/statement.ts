/** A test: its file below `test/`, and its title. */
export type Proof = readonly [file: string, title: string]

/** One thing that a stateful SIP proxy must get right. Without proofs it is open: nothing shows yet that it is so. */
export interface SipStatement {
  /** Section and number of the checklist the statements follow. */
  readonly id: string
  /** `RFC 3261 §7.1`; several are divided by commas. */
  readonly source: string
  readonly text: string
  readonly proofs: readonly Proof[]
}

/** A statement and the tests that prove it. */
export const say = (id: string, source: string, text: string, ...proofs: readonly Proof[]): SipStatement => ({
  id,
  source,
  text,
  proofs,
})
