import { arg, defineModule, optionalParam, param } from '../../module/define.ts'
import type { RouteContext, Verdict } from '../../script/context.ts'
import { parseUri, unescapeUser } from '../../sip/codec/uri.ts'
import { splitUsername } from '../../sip/digest/credentials.ts'

const checkReturns = '1 it is; −1 it is not, or no credentials were accepted'

/**
 * Checks of URIs as scripts of 2.x call them. In 3.0 they became functions of sipmsgops and auth_db, which this module
 * brings along.
 */
export default defineModule(
  {
    name: 'uri',
    doc: 'Checks whose URIs are, under the names of 2.x; the newer names are in auth_db and sipmsgops, which come with it.',
    depends: ['auth', 'auth_db'],
    brings: ['auth', 'auth_db', 'sipmsgops'],
    params: {
      db_url: optionalParam('str', 'Database; that of auth_db if absent.'),
      use_uri_table: param(
        'int',
        0,
        '1: a table of URIs tells whose they are; 0: each user owns the URI of that name.',
      ),
      db_table: optionalParam('str', 'The table: `uri` if absent; without use_uri_table, of users, `subscriber`.'),
      user_column: param('str', 'username', 'Column of the user name.'),
      domain_column: param('str', 'domain', 'Column of the domain.'),
      uriuser_column: param('str', 'uri_user', 'Column of the user part of the URI.'),
      use_domain: param('int', 0, '1: users are told apart by domain.'),
      aaa_url: optionalParam('str', 'Accepted; there is no RADIUS here.', { ignored: true }),
      service_type: param('int', 10, 'Accepted; there is no RADIUS here.', { ignored: true }),
      use_sip_uri_host: param('int', 0, 'Accepted; there is no RADIUS here.', { ignored: true }),
    },
    functions: {
      db_check_to: {
        args: [],
        routes: ['request'],
        returns: checkReturns,
        doc: 'Whether the user whose credentials were accepted owns the URI in To.',
      },
      db_check_from: {
        args: [],
        routes: ['request'],
        returns: checkReturns,
        doc: 'Whether the user whose credentials were accepted owns the URI in From.',
      },
      db_does_uri_exist: {
        args: [],
        routes: ['request'],
        returns: '1 it does; −1 it does not',
        doc: 'Whether somebody owns the Request-URI.',
      },
      db_get_auth_id: {
        args: [
          arg('uri', 'str', 'SIP URI.'),
          arg('user', 'var', 'Gets the user name.'),
          arg('realm', 'var', 'Gets the domain.'),
        ],
        routes: ['request', 'failure', 'local'],
        returns: '1 found; −1 nobody owns it',
        doc: 'Finds by which user name and domain the owner of a URI is authorised.',
      },
      is_user: {
        args: [arg('user', 'str', 'User name.')],
        routes: ['request'],
        returns: checkReturns,
        doc: 'Whether the accepted credentials are those of a user.',
      },
    },
  },
  ({ log, params, use }) => {
    const { accepted } = use('auth')
    const usesUris = params.use_uri_table !== 0
    const useDomain = params.use_domain !== 0
    const owners = use('auth_db').owners({
      url: params.db_url,
      table: params.db_table ?? (usesUris ? 'uri' : 'subscriber'),
      columns: {
        uri_user_column: params.user_column,
        uri_domain_column: params.domain_column,
        uri_uriuser_column: params.uriuser_column,
        user_column: params.user_column,
        domain_column: params.domain_column,
        skip_version_check: 0,
      },
      useDomain,
    })
    const asked = async (question: Promise<boolean>): Promise<Verdict> => {
      try {
        return (await question) ? 1 : -1
      } catch (error) {
        log.often().error('the database of URIs cannot be asked', { reason: String(error) })
        return -1
      }
    }
    const checkParty = (party: 'from' | 'to') => (): ((m: RouteContext) => Verdict | Promise<Verdict>) => m => {
      const credentials = accepted(m)
      const uri = userOf(m.message[party]?.uri ?? '')
      if (credentials === null || uri === null) return -1
      const { user, domain } = splitUsername(credentials.username)
      if (!usesUris) return user.toLowerCase() === uri.user.toLowerCase() ? 1 : -1
      return asked(owners.owns({ user, domain: domain || credentials.realm }, uri.user))
    }
    return {
      functions: {
        db_check_to: checkParty('to'),
        db_check_from: checkParty('from'),
        db_does_uri_exist: () => m => {
          const uri = userOf(m.target.uri)
          return uri === null ? -1 : asked(owners.ownerOf(uri.user, uri.host).then(owner => owner !== null))
        },
        db_get_auth_id: (text, user, realm) => m => {
          const uri = userOf(text.read(m))
          if (uri === null) return -1
          const found = owners.ownerOf(uri.user, uri.host)
          return asked(
            found.then(
              owner => owner !== null && user.read(m).set(m, owner.user) && realm.read(m).set(m, owner.domain),
            ),
          )
        },
        is_user: name => m => {
          const credentials = accepted(m)
          return credentials !== null && splitUsername(credentials.username).user === name.read(m) ? 1 : -1
        },
      },
    }
  },
)

/** User part, unescaped, and host of a URI; null where it has none. */
function userOf(text: string): { readonly user: string; readonly host: string } | null {
  const uri = parseUri(text)
  return uri === null || uri.user === '' ? null : { user: unescapeUser(uri.user), host: uri.host }
}
