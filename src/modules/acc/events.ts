import { field, nullableField, optionalField } from '../../util/spec.ts'

const core = {
  method: field('str', 'Method of the request.'),
  from_tag: field('str', 'From tag.'),
  to_tag: nullableField('str', 'To tag; null when there is none.'),
  callid: field('str', 'Call-ID.'),
  sip_code: field('str', 'Final status, as text.'),
  sip_reason: field('str', 'Its reason phrase.'),
} as const

const added = {
  '<evi_extra>': optionalField(
    'str',
    'One field for each of extra_fields for `evi`, in their order; null when not set.',
  ),
  '<evi_leg>': optionalField(
    'str',
    'One field for each of leg_fields for `evi`; the event is raised once for each leg.',
  ),
} as const

/** Events of the module (events reference, acc). */
export const accEvents = {
  E_ACC_CDR: {
    fields: {
      ...core,
      time: field('int', 'When the call was answered, seconds since 1970.'),
      ...added,
      duration: field('int', 'How long the call lasted, in seconds, rounded up.'),
      ms_duration: field('int', 'How long the call lasted, in milliseconds.'),
      setuptime: field('int', 'Seconds from `created` to the answer.'),
      created: field('int', 'When accounting of the call began, seconds since 1970.'),
      recovered: optionalField('int', '1: the proxy was restarted during the call. Left out otherwise.'),
    },
    doc: 'A call has ended that was accounted with `cdr`.',
  },
  E_ACC_EVENT: {
    fields: { ...core, time: field('int', 'When the request came, seconds since 1970.'), ...added },
    doc: 'An accounted transaction was answered, or a script accounted for a request with a code below 300.',
  },
  E_ACC_MISSED_EVENT: {
    fields: {
      ...core,
      time: field('int', 'When the request came, seconds since 1970.'),
      ...added,
      setuptime: field('int', 'Seconds from `created` until the call failed.'),
      created: field('int', 'When accounting of the call began, seconds since 1970.'),
    },
    doc: 'A call that was accounted with `missed` failed, or a script accounted for a request with a code from 300 on.',
  },
} as const
