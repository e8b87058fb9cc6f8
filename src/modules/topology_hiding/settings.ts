import { param } from '../../module/define.ts'

/** Parameters of the module. */
export const topologyParams = {
  force_dialog: param('int', 0, '1: INVITEs get a dialog where they have none.'),
  th_passed_contact_uri_params: param('str', '', 'Parameters of the URI in Contact that stay, divided by semicolons.'),
  th_passed_contact_params: param('str', '', 'Parameters of Contact that stay, divided by semicolons.'),
  th_callid_passwd: param('str', 'OpenSIPS', 'Password that changed Call-IDs are sealed with.'),
  th_callid_prefix: param('str', 'DLGCH_', 'What changed Call-IDs begin with.'),
  th_contact_encode_passwd: param('str', 'ToPoCtPaSS', 'Password that what Contact carries is sealed with.'),
  th_contact_encode_param: param('str', 'thinfo', 'Parameter of Contact that carries it.'),
  th_contact_encode_scheme: param('str', 'base64', 'How it is written: base64, or base32 where case may be lost.'),
} as const

/** What is asked for in one call of topology_hiding(). */
export interface HidingFlags {
  /** U: the user in Contact stays. */
  readonly keepsUser: boolean
  /** C: the callee sees another Call-ID. */
  readonly changesCallId: boolean
  /** D: the id of the dialog is the user in Contact, instead of a parameter. */
  readonly idAsUser: boolean
  /** `host[:port]` to show in Contact to the caller and to the callee, instead of that of our socket. */
  readonly callerContact: string | null
  readonly calleeContact: string | null
}

const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i

/**
 * Reads the letters U, C, D and `caller-contact=host:port;callee-contact=host:port`. Gives a text that says what is
 * wrong.
 */
export function parseHidingFlags(letters: string, params: string): HidingFlags | string {
  const folded = letters.toUpperCase().replace(/[\s,|]+/g, '')
  const unknown = /[^UCD]/.exec(folded)?.[0]
  if (unknown !== undefined) return `unknown flag "${unknown}"; expected letters of U C D`
  const named = new Map<string, string>()
  for (const part of params.split(/[;,]/).filter(text => text.trim() !== '')) {
    const [name = '', value = ''] = part.split('=').map(text => text.trim())
    if (!['caller-contact', 'callee-contact'].includes(name) || !HOST.test(value))
      return `cannot read "${part.trim()}"; expected caller-contact=host:port or callee-contact=host:port`
    named.set(name, value)
  }
  return {
    keepsUser: folded.includes('U'),
    changesCallId: folded.includes('C'),
    idAsUser: folded.includes('D'),
    callerContact: named.get('caller-contact') ?? null,
    calleeContact: named.get('callee-contact') ?? null,
  }
}
