/** Why a request could not be forwarded or answered here. */
export type LocalFailure =
  | 'bad-request'
  | 'incomplete'
  | 'bad-to'
  | 'bad-uri'
  | 'unsupported-scheme'
  | 'unresolvable'
  | 'filtered'
  | 'send-failed'
  | 'no-destination'
  | 'too-many-branches'
  | 'internal'

/** The response owed for a local failure: status, the number OpenSIPS shows in parentheses, and the phrase without it. */
export interface FailureReply {
  readonly status: number
  readonly shown: number
  readonly phrase: string
}

const REPLIES: Readonly<Record<LocalFailure, FailureReply>> = {
  'bad-request': { status: 400, shown: 400, phrase: 'Bad Request' },
  incomplete: { status: 400, shown: 400, phrase: 'Transaction tuple incomplete' },
  'bad-to': { status: 400, shown: 400, phrase: 'Bad To' },
  'bad-uri': { status: 475, shown: 475, phrase: 'Bad URI' },
  // RFC 3261 §16.3 step 2: a scheme the proxy does not understand is answered 416.
  'unsupported-scheme': { status: 416, shown: 416, phrase: 'Unsupported URI Scheme' },
  unresolvable: { status: 476, shown: 476, phrase: 'Unresolvable destination' },
  filtered: { status: 473, shown: 473, phrase: 'Filtered destination' },
  'send-failed': { status: 477, shown: 477, phrase: 'Send failed' },
  'no-destination': { status: 500, shown: 500, phrase: 'No destination available' },
  'too-many-branches': { status: 500, shown: 500, phrase: 'Forking capacity exceeded' },
  internal: { status: 500, shown: 1, phrase: 'Server error occurred' },
}

/** The response for a local failure (tm reference, behaviour 13). */
export function failureReply(failure: LocalFailure): FailureReply {
  return REPLIES[failure]
}

/** The whole phrase, naming the module that sends it: `Send failed (477/TM)`. */
export function failurePhrase(reply: FailureReply, module: 'TM' | 'SL'): string {
  return `${reply.phrase} (${reply.shown}/${module})`
}
