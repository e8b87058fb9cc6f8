import { optionalParam, param } from '../../util/spec.ts'

const PUSH = 'Push notifications (RFC 8599) are not supported.'
const unsupported = (doc: string) => optionalParam('str', doc, { ignored: true })

/** Parameters of the registrar module (registrar reference). */
export const registrarParams = {
  default_expires: param('int', 3600, 'Time of a contact that does not ask for any.', { unit: 's' }),
  min_expires: param('int', 60, 'Shorter times are raised to this.', { unit: 's' }),
  max_expires: param('int', 0, 'Longer times are lowered to this; 0: no limit.', { unit: 's' }),
  default_q: param('int', -1, 'q value ×1000 of a contact that gives none; −1: it stays unset.'),
  case_sensitive: param('int', 1, '0: addresses of record are folded to lower case.'),
  max_contacts: param('int', 0, 'Contacts an address of record may have; 0: no limit.'),
  retry_after: param('int', 0, 'Retry-After of 5xx replies; 0: none.', { unit: 's' }),
  received_avp: optionalParam('str', 'Variable that holds where the registration came from, as a URI.'),
  received_param: param('str', 'received', 'Parameter of Contact in replies that shows it.'),
  tcp_persistent_flag: optionalParam(
    'str',
    'Message flag: the connection a registration came by stays open as long as the registration.',
  ),
  realm_prefix: param('str', '', 'Taken off the front of the host of an address of record.'),
  sock_hdr_name: optionalParam('str', 'Header that says which socket the registration arrived on.'),
  mcontact_avp: optionalParam(
    'str',
    'Variable with the contact as the script sent it upstream, for save() in a reply route.',
  ),
  attr_avp: optionalParam('str', 'Variable with the attributes to store, and for those found by a lookup.'),
  allow_dup_cseq: param('int', 1, '1: a CSeq equal to the stored one is a refresh. 0 by default with era = 2.4.'),
  evict_last: param(
    'int',
    0,
    'force-registration removes 0: the contact updated longest ago; 1: the last of the list.',
  ),
  expires_max_deviation: param('int', 0, 'Most that is taken at random off the time of a contact.', { unit: 's' }),
  max_username_len: param('int', 64, 'Longest user of an address of record.'),
  max_domain_len: param('int', 64, 'Longest host of an address of record.'),
  max_aor_len: param('int', 256, 'Longest address of record.'),
  max_contact_len: param('int', 255, 'Longest contact URI.'),
  use_path: param('int', 0, '1: save() handles Path without being told by a flag.'),
  path_mode: param('int', 2, 'How, with use_path: 0 off, 1 lazy, 2 strict.'),
  path_use_received: param('int', 0, '1: as the flag path-received.'),
  append_branches: param('int', 1, '0: lookup() uses the first contact only, without being told by a flag.'),
  aor_avp: optionalParam('str', 'Variable that holds the URI of the address of record.'),
  desc_time_order: param('int', 0, 'Set it for usrloc.', { ignored: true }),
  gruu_secret: param('str', 'OpenSIPS', 'Secret of temporary GRUUs (RFC 5627), the same on every proxy. Change it.'),
  disable_gruu: param('int', 1, '0: clients that support GRUUs (RFC 5627) get them, and lookup() understands them.'),
  pn_enable: param('int', 0, PUSH, { ignored: true }),
  pn_providers: unsupported(PUSH),
  pn_ct_match_params: unsupported(PUSH),
  pn_pnsreg_interval: unsupported(PUSH),
  pn_trigger_interval: unsupported(PUSH),
  pn_skip_pn_interval: unsupported(PUSH),
  pn_refresh_timeout: unsupported(PUSH),
  pn_enable_purr: unsupported(PUSH),
} as const
