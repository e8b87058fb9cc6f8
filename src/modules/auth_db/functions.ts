import { arg, type FunctionHandlers } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { parseUri, unescapeUser } from '../../sip/codec/uri.ts'
import { type DigestCredentials, splitUsername } from '../../sip/digest/credentials.ts'
import type { Accounts } from './accounts.ts'
import type { UriOwners } from './uri-owners.ts'

const realm = arg('realm', 'str', 'Realm; empty for the host of To in a REGISTER, else of From.')
const users = arg('table', 'str', 'Table of users.')
const uris = arg('table', 'str', 'Table of URIs and their owners, or of users.')
const authorizeReturns =
  '1 right, or ACK or CANCEL; −1 unknown user; −2 wrong password; −3 the nonce is not good any more; −4 no credentials ' +
  'for the realm; −5 malformed, or the database failed (and answered)'

/** Script functions (auth_db reference). */
export const authDbSpecs = {
  www_authorize: {
    args: [realm, users],
    routes: ['request'],
    returns: authorizeReturns,
    doc: 'Checks Authorization against a table of users.',
  },
  proxy_authorize: {
    args: [realm, users],
    routes: ['request'],
    returns: authorizeReturns,
    doc: 'Checks Proxy-Authorization against a table of users.',
  },
  db_is_to_authorized: {
    args: [uris],
    routes: ['request'],
    returns: '1 it does; −1 it does not, or no credentials were accepted',
    doc: 'Whether the user whose credentials were accepted owns the URI in To.',
  },
  db_is_from_authorized: {
    args: [uris],
    routes: ['request'],
    returns: '1 it does; −1 it does not, or no credentials were accepted',
    doc: 'Whether the user whose credentials were accepted owns the URI in From.',
  },
  db_does_uri_exist: {
    args: [arg('uri', 'str', 'SIP URI.'), uris],
    routes: ['request'],
    returns: '1 it does; −1 it does not',
    doc: 'Whether somebody owns a URI.',
  },
  db_get_auth_id: {
    args: [
      uris,
      arg('uri', 'str', 'SIP URI.'),
      arg('user', 'var', 'Gets the user name.'),
      arg('realm', 'var', 'Gets the domain.'),
    ],
    routes: ['request'],
    returns: '1 found; −1 nobody owns it',
    doc: 'Finds by which user name and domain the owner of a URI is authorised.',
  },
} as const

interface AuthDbParts {
  /** The table of users of this name; constant names are looked at when the proxy starts. */
  readonly accounts: (table: string) => Accounts
  readonly owners: (table: string) => UriOwners
  /** Notes that the script names a table, to be looked at before the first request. */
  readonly expect: (table: { check(): Promise<void> }) => void
  readonly authorize: (
    m: RouteContext,
    asker: 'www' | 'proxy',
    realm: string,
    accounts: Accounts,
  ) => Verdict | Promise<Verdict>
  readonly accepted: (m: RouteContext) => DigestCredentials | null
  readonly failed: (error: unknown) => void
}

/** Handlers of {@link authDbSpecs}. */
export function authDbFunctions(parts: AuthDbParts): FunctionHandlers<typeof authDbSpecs> {
  const { accounts, owners, expect, accepted, failed } = parts
  const tableArg =
    <T extends { check(): Promise<void> }>(open: (name: string) => T) =>
    (name: Arg<string>): ((m: RouteContext) => T) => {
      if (name.constant === undefined) return m => open(name.read(m))
      const table = open(name.constant)
      expect(table)
      return () => table
    }
  const accountsArg = tableArg(accounts)
  const ownersArg = tableArg(owners)
  const asked = async (question: Promise<boolean>): Promise<Verdict> => {
    try {
      return (await question) ? 1 : -1
    } catch (error) {
      failed(error)
      return -1
    }
  }
  const authorize = (asker: 'www' | 'proxy', name: Arg<string>, table: Arg<string>): Step => {
    const tableOf = accountsArg(table)
    return m => parts.authorize(m, asker, name.read(m), tableOf(m))
  }
  const ownsParty = (party: 'from' | 'to', table: Arg<string>): Step => {
    const tableOf = ownersArg(table)
    return m => {
      const credentials = accepted(m)
      const user = userOf(m.message[party]?.uri ?? '')
      if (credentials === null || user === null) return -1
      const owner = splitUsername(credentials.username)
      return asked(tableOf(m).owns({ ...owner, domain: owner.domain || credentials.realm }, user.name))
    }
  }
  return {
    www_authorize: (name, table) => authorize('www', name, table),
    proxy_authorize: (name, table) => authorize('proxy', name, table),
    db_is_to_authorized: table => ownsParty('to', table),
    db_is_from_authorized: table => ownsParty('from', table),
    db_does_uri_exist: (uri, table) => {
      const tableOf = ownersArg(table)
      return m => {
        const user = userOf(uri.read(m))
        if (user === null) return -1
        return asked(
          tableOf(m)
            .ownerOf(user.name, user.host)
            .then(owner => owner !== null),
        )
      }
    },
    db_get_auth_id: (table, uri, userVariable, realmVariable) => {
      const tableOf = ownersArg(table)
      return m => {
        const user = userOf(uri.read(m))
        if (user === null) return -1
        const found = tableOf(m).ownerOf(user.name, user.host)
        return asked(
          found.then(
            owner =>
              owner !== null && userVariable.read(m).set(m, owner.user) && realmVariable.read(m).set(m, owner.domain),
          ),
        )
      }
    },
  }
}

/** User part, unescaped, and host of a URI; null where it has none. */
function userOf(uri: string): { readonly name: string; readonly host: string } | null {
  const parsed = parseUri(uri)
  return parsed === null || parsed.user === '' ? null : { name: unescapeUser(parsed.user), host: parsed.host }
}
