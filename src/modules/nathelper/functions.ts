import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import { sourceUri } from '../../proxy/own-address.ts'
import type { PvarRef } from '../../script/args.ts'
import { withoutBrackets } from '../../sip/net/address.ts'
import { readSession, writeSession } from '../../sip/text/session-body.ts'
import { addReceived, fixContacts } from './contact-edit.ts'
import { maskReader } from './flags.ts'
import type { NathelperParams } from './params.ts'
import { fixSdp, SDP_FIX } from './sdp-fix.ts'
import { isBehindNat, UAC_TEST } from './uac-test.ts'

const ROUTES = ['request', 'onreply', 'failure', 'branch'] as const

/** What the functions share. The variable is known once the module has started. */
export interface FunctionServices {
  readonly params: NathelperParams
  readonly received: { variable: PvarRef | null }
}

/** The functions of the module (nathelper reference). */
export const nathelperFunctions = {
  nat_uac_test: {
    args: [
      arg(
        'flags',
        'str',
        'Tests, divided by commas: private-contact, diff-ip-src-via, private-via, private-sdp, diff-port-src-via, ' +
          'diff-ip-src-contact, diff-port-src-contact, carrier-grade-nat; or the sum of 1, 2, 4, 8, 16, 32, 64, 128.',
      ),
    ],
    routes: ROUTES,
    returns: '1 one of the tests is positive; −1 none is',
    doc: 'Tells whether the sender seems to be behind NAT.',
  },
  fix_nated_contact: {
    args: [
      optional(arg('uri_params', 'str', 'Parameters to add to the URI, `;x=y`.')),
      optional(arg('flags', 'str', 'Accepted and not used.')),
    ],
    routes: ROUTES,
    returns: '1; −1 there is no contact',
    doc: 'Writes the source of the message in the place of the address of Contact.',
  },
  fix_nated_sdp: {
    args: [
      arg(
        'flags',
        'str',
        'What to change, divided by commas: add-dir-active, rewrite-media-ip, add-no-rtpproxy, rewrite-origin-ip, ' +
          'rewrite-null-ips; or the sum of 1, 2, 4, 8, 16.',
      ),
      optional(arg('ip_address', 'str', 'Address to write; the source of the message if absent.')),
      optional(arg('sdp_fields', 'str', 'Lines to add to the session.')),
    ],
    routes: ROUTES,
    returns: '1; −1 there is no session description',
    doc: 'Changes the addresses of the session description.',
  },
  fix_nated_register: {
    args: [],
    routes: ['request'],
    returns: '1; −1 received_avp is not set',
    doc: 'Puts the source of a registration into the variable of received_avp, for save().',
  },
  add_rcv_param: {
    args: [optional(arg('flag', 'int', '0: behind the URI; else: to the URI.'))],
    routes: ROUTES,
    returns: '1; −1 there is no contact',
    doc: 'Adds the source of the message to Contact as the parameter `received`.',
  },
} as const

/** Handlers of {@link nathelperFunctions}. */
export function functionHandlers({ params, received }: FunctionServices): FunctionHandlers<typeof nathelperFunctions> {
  const unnoted = params.oldip_skip ?? ''
  const noRtpproxyLine = params.nortpproxy_str.replaceAll('\\r\\n', '').trim()
  return {
    nat_uac_test: flags => {
      const testsOf = maskReader(flags, UAC_TEST)
      return m => (isBehindNat(m, testsOf(m)) ? 1 : -1)
    },
    fix_nated_contact: uriParams => m => (fixContacts(m, uriParams?.read(m) ?? '') ? 1 : -1),
    fix_nated_sdp: (flags, address, fields) => {
      const whatOf = maskReader(flags, SDP_FIX)
      return m => {
        const session = readSession(m.message, m.edits)
        if (session === null) return -1
        const fixed = fixSdp(session.toString(), {
          what: whatOf(m),
          address: withoutBrackets(address?.read(m) ?? m.origin.address),
          lines:
            fields
              ?.read(m)
              .split(/\r?\n/)
              .filter(line => line !== '') ?? [],
          unnoted,
          noRtpproxyLine,
        })
        writeSession(m.message, m.edits, Buffer.from(fixed))
        return 1
      }
    },
    fix_nated_register: () => m => (received.variable?.set(m, sourceUri(m.origin), true) === true ? 1 : -1),
    add_rcv_param: flag => m => (addReceived(m, (flag?.read(m) ?? 0) !== 0) ? 1 : -1),
  }
}
