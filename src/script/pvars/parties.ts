import { HeaderId } from '../../sip/codec/header-id.ts'
import { type NameAddr, parseNameAddr, parseNameAddrList } from '../../sip/codec/name-addr.ts'
import { parseUri } from '../../sip/codec/uri.ts'
import type { Value } from '../../util/spec.ts'
import type { RouteContext } from '../context.ts'
import type { ScriptPvar } from '../pvar.ts'
import { type CorePvars, orNull, plain } from './core-pvar.ts'

type AddressOf = (m: RouteContext) => NameAddr | null

const address =
  (read: AddressOf, part: (address: NameAddr) => Value) =>
  (m: RouteContext): Value => {
    const found = read(m)
    return found === null ? null : part(found)
  }
const userOf = (found: NameAddr): Value => orNull(parseUri(found.uri)?.user ?? '')
const hostOf = (found: NameAddr): Value => orNull(parseUri(found.uri)?.host ?? '')

/** URI, user, domain, display name and tag of From or To. */
function party(letter: 'f' | 't', word: 'from' | 'to', header: 'From' | 'To', read: AddressOf): CorePvars {
  const str = (doc: string, part: (found: NameAddr) => Value, aliases: readonly string[] = []): ScriptPvar =>
    plain('str', `${doc} of ${header}.`, address(read, part), { aliases })
  return {
    [`${letter}u`]: str('URI', found => found.uri, [word, `${word}.uri`]),
    [`${letter}U`]: str('User part', userOf, [`${word}.user`]),
    [`${letter}d`]: str('Host', hostOf, [`${word}.domain`]),
    [`${letter}n`]: str('Display name, with its quotes,', found => orNull(found.display), [`${word}.name`]),
    [`${letter}t`]: str('Tag', found => orNull(found.tag), [`${word}.tag`]),
  }
}

/** The address in the first header of a name; of a list the first. */
function inHeader(...names: readonly string[]): AddressOf {
  return m => {
    for (const name of names) {
      const index = m.message.findNamed(name)
      if (index < 0) continue
      const text = m.message.headerValue(index)
      return parseNameAddrList(text)?.[0] ?? parseNameAddr(text)
    }
    return null
  }
}

const preferred = inHeader('P-Preferred-Identity')
const diversion = inHeader('Diversion')
const uriOf = (found: NameAddr): Value => found.uri
const header = (doc: string, read: AddressOf, part: (found: NameAddr) => Value): ScriptPvar =>
  plain('str', doc, address(read, part))

/** Who the message is from and to, and what tells dialogs apart (script reference, pseudo-variables). */
export const partyPvars: CorePvars = {
  ...party('f', 'from', 'From', m => m.message.from),
  ...party('t', 'to', 'To', m => m.message.to),
  ci: plain('str', 'Call-ID.', m => orNull(m.message.callId)),
  // Text only: a CSeq number may be larger than an integer of the script.
  cs: plain('str', 'Number in CSeq.', m => (m.message.cseq < 0 ? null : String(m.message.cseq))),
  ua: plain('str', 'User-Agent.', m => m.message.value(HeaderId.userAgent)),
  rt: header('URI of Refer-To.', inHeader('Refer-To'), uriOf),
  re: header('URI of Remote-Party-ID.', inHeader('Remote-Party-ID'), uriOf),
  ai: header(
    'URI of P-Asserted-Identity, else of P-Preferred-Identity.',
    inHeader('P-Asserted-Identity', 'P-Preferred-Identity'),
    uriOf,
  ),
  pu: header('URI of P-Preferred-Identity.', preferred, uriOf),
  pU: header('User part of P-Preferred-Identity.', preferred, userOf),
  pd: header('Host of P-Preferred-Identity.', preferred, hostOf),
  pn: header('Display name of P-Preferred-Identity.', preferred, found => orNull(found.display)),
  di: header('URI of Diversion.', diversion, uriOf),
  dir: header('Reason of Diversion.', diversion, found => found.params.get('reason')),
  dip: header('Privacy of Diversion.', diversion, found => found.params.get('privacy')),
}
