import { optionalParam, param } from '../../module/define.ts'

/** Parameters of the auth module (auth reference). */
export const authParams = {
  secret: optionalParam('str', 'Nonces are signed with it; 32 characters or more. Random for each start if absent.'),
  nonce_expire: param('int', 30, 'How long a nonce can be used.', { unit: 's' }),
  disable_nonce_check: param('int', 0, '1: a nonce can be used more than once, and on other proxies with this secret.'),
  realm_prefix: param('str', '', 'Taken off the front of the host that serves as realm.'),
  rpid_prefix: param('str', '', 'Stands before the value of Remote-Party-ID.'),
  rpid_suffix: param(
    'str',
    ';party=calling;id-type=subscriber;screen=yes',
    'Stands behind the value of Remote-Party-ID.',
  ),
  rpid_avp: param('str', '$avp(rpid)', 'Variable with the value of Remote-Party-ID.'),
  username_spec: optionalParam('str', 'Variable with the user name that pv_*_authorize() expects.'),
  password_spec: optionalParam('str', 'Variable with its password, or with the hash of it.'),
  calculate_ha1: param('int', 0, '1: password_spec holds the password; 0: H(username ":" realm ":" password).'),
} as const
