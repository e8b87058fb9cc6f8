import { readFileSync } from 'node:fs'

/** A recorded management call: the request, the answer, and the events that came of it. */
export interface RecordedCall {
  readonly method: string
  readonly params: unknown
  readonly answer: { readonly result?: unknown; readonly error?: { readonly code: number; readonly message: string } }
  readonly events: readonly string[]
}

/** Reads a recording that holds a request, `--- reply ---` and the answer, with its events beside it. */
export function recordedCall(path: string): RecordedCall {
  const [request = '', answer = ''] = readFileSync(`test/fixtures/golden/${path}.req`, 'utf8').split('--- reply ---')
  const { method, params } = JSON.parse(request)
  return { method, params, answer: JSON.parse(answer), events: recordedEvents(path) }
}

/** The events of a recording, as they went over the wire. */
export function recordedEvents(path: string): readonly string[] {
  const text = readFileSync(`test/fixtures/golden/${path}.out`, 'utf8')
  return text.split('\n').filter(line => line !== '')
}
