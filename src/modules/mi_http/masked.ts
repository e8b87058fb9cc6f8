import type { Value } from '../../util/spec.ts'

/** Names of parameters that hold what only their owner may know. */
const SECRET = /(?:^|[_.-])(?:password|passwd|pwd|secret|token|authorization|credentials?|ha1|api_?key)(?:$|[_.-])/i
/** The password of a URI: `sip:alice:secret@host`, `amqp://user:secret@host`. */
const PASSWORD = /\b([a-z][\w+.-]*:(?:\/\/)?[^\s:@/;?<>"]+):[^\s:@/;?<>"]+@/gi

/** The value of a parameter as it may be shown: `***` in the place of secrets. */
export function masked(name: string | undefined, value: Value): Value {
  if (name !== undefined && value !== null && SECRET.test(name)) return '***'
  return typeof value === 'string' ? value.replace(PASSWORD, '$1:***@') : value
}
