import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext, Step } from '../../script/context.ts'
import type { SipMessage } from '../../sip/codec/message.ts'
import { sameUri } from '../../sip/codec/uri.ts'
import { aorOf } from './aor.ts'
import { verdictOn } from './contact-work.ts'
import type { Contact, Domain } from './location.ts'
import { isRefusal } from './refusal.ts'
import type { Registrar } from './registrar.ts'
import { isReachedAt, removeByAddress, removeContacts } from './removal.ts'

const domain = arg('domain', 'str', 'Location table.')
const aorArg = arg('aor', 'str', 'URI of the address of record.')
const ownAor = optional(
  arg('aor', 'str', 'URI of the address of record; that of To in a REGISTER, else of From, if absent.'),
)
const anywhere = ['request', 'onreply', 'failure', 'branch', 'local', 'event'] as const

/** Functions that look at, or remove, contacts without sending anything. */
export const addressFunctions = {
  remove: {
    args: [
      domain,
      aorArg,
      optional(arg('contact', 'str', 'URI of the one contact to remove.')),
      optional(arg('next_hop', 'str', 'Only contacts reached through this host.')),
      optional(arg('sip_instance', 'str', 'Only contacts with this +sip.instance.')),
      optional(arg('bflag', 'str', 'Only contacts with this branch flag.')),
    ],
    routes: ['request', 'onreply'],
    returns: '1 some were removed; −1 none',
    doc: 'Removes contacts of an address of record.',
  },
  remove_ip_port: {
    args: [
      arg('ip', 'str', 'Address of the next hop to the contact.'),
      arg('port', 'int', 'Its port; 0 for any.'),
      domain,
      optional(arg('aor', 'str', 'URI of the address of record; every one if absent.')),
    ],
    routes: 'any',
    returns: '1 some were removed; −1 none',
    doc: 'Removes contacts that are reached at an address.',
  },
  is_registered: {
    args: [domain, ownAor],
    routes: anywhere,
    aliases: ['registered'],
    returns: '1 it has a contact; −1 it has none',
    doc: 'Tells whether an address of record is registered.',
  },
  is_contact_registered: {
    args: [
      domain,
      ownAor,
      optional(arg('contact', 'str', 'Contact URI; that of the message if absent.')),
      optional(arg('callid', 'str', 'Call-ID the contact was registered with.')),
    ],
    routes: anywhere,
    returns: '1 registered; −1 not',
    doc: 'Tells whether an address of record has this contact.',
  },
  is_ip_registered: {
    args: [
      domain,
      ownAor,
      arg('ip', 'var', 'Variable with the addresses to look for.'),
      optional(arg('port', 'int', 'Port that must be equal too.')),
    ],
    routes: anywhere,
    returns: '1 a contact is reached at one of the addresses; −1 none',
    doc: 'Tells whether an address of record is registered from an address.',
  },
} as const

/** Handlers of {@link addressFunctions}. `branchFlagBit`: mask of a branch flag. */
export function addressFunctionHandlers(
  registrar: Registrar,
  branchFlagBit: (name: string) => number,
): FunctionHandlers<typeof addressFunctions> {
  const aorAt = (m: RouteContext, uri: Arg<string> | undefined): string | null => {
    const text = uri?.read(m) ?? ownUri(m.message)
    const aor = text === undefined ? null : aorOf(text, registrar.aor)
    return isRefusal(aor) ? null : aor
  }
  /** The builder of a function that asks something of the contacts of one AoR. */
  const asking = (
    name: Arg<string>,
    uri: Arg<string> | undefined,
    question: (m: RouteContext, domain: Domain, aor: string) => () => boolean,
  ): Step => {
    const domainOf = tableReader(registrar, name)
    return m => {
      const aor = aorAt(m, uri)
      if (aor === null) return -1
      const domain = domainOf(m)
      return verdictOn(registrar, domain, aor, question(m, domain, aor))
    }
  }
  return {
    remove: (name, uri, contact, nextHop, instance, flag) =>
      asking(name, uri, (m, domain, aor) => {
        const filter = {
          contact: contact?.read(m),
          nextHop: nextHop?.read(m),
          instance: instance?.read(m),
          branchFlag: flag === undefined ? 0 : branchFlagBit(flag.read(m)),
        }
        return () => removeContacts(domain, aor, filter) > 0
      }),
    remove_ip_port: (ip, port, name, uri) => {
      if (uri !== undefined)
        return asking(name, uri, (m, domain, aor) => {
          const [address, number] = [ip.read(m), port.read(m)]
          return () => removeByAddress(domain, address, number, aor) > 0
        })
      const domainOf = tableReader(registrar, name)
      return m => (removeByAddress(domainOf(m), ip.read(m), port.read(m), undefined) > 0 ? 1 : -1)
    },
    is_registered: (name, uri) => asking(name, uri, (_, domain, aor) => () => domain.contacts(aor).length > 0),
    is_contact_registered: (name, uri, contact, callId) =>
      asking(name, uri, (m, domain, aor) => {
        const wanted = {
          uri: contact?.read(m) ?? (callId === undefined ? ownContact(m.message) : undefined),
          callId: callId?.read(m),
        }
        return () => domain.contacts(aor).some(one => isWanted(one, wanted))
      }),
    is_ip_registered: (name, uri, ip, port) =>
      asking(name, uri, (m, domain, aor) => {
        const addresses = addressesIn(ip.read(m), m)
        const wantedPort = port?.read(m) ?? 0
        return () => domain.contacts(aor).some(one => addresses.some(address => isReachedAt(one, address, wantedPort)))
      }),
  }
}

/** The table an argument names: made at load where the name is constant, so that it exists from the start. */
export function tableReader({ location }: Registrar, name: Arg<string>): (m: RouteContext) => Domain {
  if (name.constant === undefined) return m => location.domain(name.read(m))
  const constant = location.domain(name.constant)
  return () => constant
}

/** Whether a contact has the URI and the Call-ID given; false when none is. */
function isWanted(contact: Contact, { uri, callId }: { uri: string | undefined; callId: string | undefined }): boolean {
  if (uri === undefined && callId === undefined) return false
  return (uri === undefined || sameUri(contact.uri, uri)) && (callId === undefined || contact.callId === callId)
}

function ownUri(message: SipMessage): string | undefined {
  return message.method === 'REGISTER' ? message.to?.uri : message.from?.uri
}

function ownContact({ contacts }: SipMessage): string | undefined {
  return contacts === null || contacts === '*' ? undefined : contacts[0]?.uri
}

function addressesIn(variable: PvarRef, m: RouteContext): readonly string[] {
  return variable.all(m).map(String)
}
