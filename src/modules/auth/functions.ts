import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Step } from '../../script/context.ts'
import { splitUsername } from '../../sip/digest/credentials.ts'
import type { AuthorizationRequest, Authorizer, KnownUser } from './authorizer.ts'
import { type Challenger, parseAlgorithmsArg, parseQopArg } from './challenger.ts'
import type { Asker } from './find-credentials.ts'

const realm = arg('realm', 'str', 'Realm; empty for the host of To in a REGISTER, else of From.')
const challengeArgs = [
  realm,
  optional(arg('qop', 'str', '`auth`, `auth-int`, both divided by a comma, or empty for none; 2.x: 0 none, 1 auth.')),
  optional(
    arg('algorithms', 'str', 'Of MD5, SHA-256, SHA-512-256 and these with -sess, divided by commas. MD5 if absent.'),
  ),
] as const
const challengeReturns = '0 answered, which ends the script; −1 not answered'
const authorizeReturns =
  '1 right, or ACK or CANCEL; −1 unknown user; −2 wrong password; −3 the nonce is not good any more; −4 no credentials ' +
  'for the realm; −5 malformed (and answered)'

/** Script functions (auth reference). */
export const authSpecs = {
  www_challenge: {
    args: challengeArgs,
    routes: ['request'],
    returns: challengeReturns,
    doc: 'Answers 401 with one WWW-Authenticate an algorithm, the strongest first.',
  },
  proxy_challenge: {
    args: challengeArgs,
    routes: ['request'],
    returns: challengeReturns,
    doc: 'Answers 407 with one Proxy-Authenticate an algorithm, the strongest first.',
  },
  pv_www_authorize: {
    args: [realm],
    routes: ['request'],
    returns: authorizeReturns,
    doc: 'Checks Authorization against the user and password in username_spec and password_spec.',
  },
  pv_proxy_authorize: {
    args: [realm],
    routes: ['request'],
    returns: authorizeReturns,
    doc: 'Checks Proxy-Authorization against the user and password in username_spec and password_spec.',
  },
  consume_credentials: {
    args: [],
    routes: ['request'],
    returns: '1 removed; −1 none were accepted',
    doc: 'Removes the credentials that were accepted from the request.',
  },
} as const

interface AuthFunctionsParts {
  readonly authorizer: Authorizer
  readonly challenger: Challenger
  /** Looks a user up in the variables of the parameters; null where these are not set. */
  readonly findInVariables: ((m: RouteContext) => AuthorizationRequest['find']) | null
}

/** Handlers of {@link authSpecs}. */
export function authFunctions(parts: AuthFunctionsParts): FunctionHandlers<typeof authSpecs> {
  const { authorizer, challenger, findInVariables } = parts
  const challenge = (asker: Asker, name: Arg<string>, qop?: Arg<string>, algorithms?: Arg<string>): Step => {
    const qops = parsed(qop, parseQopArg, 'expected auth, auth-int, or both divided by a comma')
    const chosen = parsed(algorithms, parseAlgorithmsArg, 'expected names of digest algorithms divided by commas')
    return m => {
      const style = { qops: qops === undefined ? [] : qops(m), algorithms: chosen === undefined ? null : chosen(m) }
      if (style.qops === null || (chosen !== undefined && style.algorithms === null)) return -1
      return challenger.challenge(m, asker, name.read(m), { qops: style.qops, algorithms: style.algorithms })
    }
  }
  const authorizeInVariables = (asker: Asker, name: Arg<string>): Step => {
    if (findInVariables === null)
      return name.reject('this needs the parameters username_spec and password_spec of auth')
    return m => authorizer.authorize(m, { asker, realm: name.read(m), find: findInVariables(m) })
  }
  return {
    www_challenge: (name, qop, algorithms) => challenge('www', name, qop, algorithms),
    proxy_challenge: (name, qop, algorithms) => challenge('proxy', name, qop, algorithms),
    pv_www_authorize: name => authorizeInVariables('www', name),
    pv_proxy_authorize: name => authorizeInVariables('proxy', name),
    consume_credentials: () => m => {
      const accepted = authorizer.accepted(m)
      if (accepted === null) return -1
      m.edits.remove(m.message.headerStart(accepted.header), m.message.headerEnd(accepted.header))
      return 1
    },
  }
}

/** A list argument, read at load where it is constant. Undefined without the argument; gives null for a wrong text. */
function parsed<T>(
  text: Arg<string> | undefined,
  parse: (text: string) => T | null,
  complaint: string,
): ((m: RouteContext) => T | null) | undefined {
  if (text === undefined || text.constant === '') return undefined
  if (text.constant === undefined) return m => parse(text.read(m))
  const value = parse(text.constant)
  if (value === null) text.reject(`${complaint}, got "${text.constant}"`)
  return () => value
}

/** The user in the variables of the parameters, as {@link AuthFunctionsParts.findInVariables} wants it. */
export function userInVariables(
  username: (m: RouteContext) => string | null,
  password: (m: RouteContext) => string | null,
  isPlain: boolean,
): (m: RouteContext) => AuthorizationRequest['find'] {
  return m =>
    (credentials): KnownUser | null => {
      const secret = password(m)
      if (username(m) !== splitUsername(credentials.username).user || secret === null) return null
      return { secret: isPlain ? { password: secret } : { ha1: secret } }
    }
}
