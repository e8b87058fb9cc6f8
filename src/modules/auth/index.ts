import { defineModule } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { AuthApi } from './api.ts'
import { Authorizer } from './authorizer.ts'
import { Challenger } from './challenger.ts'
import { authFunctions, authSpecs, userInVariables } from './functions.ts'
import { Nonces } from './nonces.ts'
import { authParams } from './params.ts'
import { rpidFunctions, rpidSpecs } from './rpid-functions.ts'

declare module '../../module/define.ts' {
  interface ModuleApis {
    auth: AuthApi
  }
}

/** Shortest secret that is not warned about, characters. */
const SECRET_CHARS = 32

/** Digest authentication of requests (RFC 3261 §22, RFC 7616, RFC 8760; auth reference). */
export default defineModule(
  {
    name: 'auth',
    doc: 'Challenges requests and checks the credentials they come back with.',
    depends: ['signaling'],
    // Scripts written before signaling existed load sl and tm only.
    brings: ['signaling'],
    params: authParams,
    functions: { ...authSpecs, ...rpidSpecs },
  },
  ({ host, clock, log, params, use }) => {
    if (params.nonce_expire <= 0)
      throw new Error(`nonce_expire ${params.nonce_expire}: expected a number of seconds over 0`)
    const { reply } = use('signaling')
    const nonces = new Nonces({
      clock,
      secret: params.secret,
      lifetimeMs: params.nonce_expire * 1000,
      isOnce: params.disable_nonce_check === 0,
    })
    const authorizer = new Authorizer({ nonces, realmPrefix: params.realm_prefix, log, reply })
    const textOf = (name: string | undefined) => {
      if (name === undefined) return null
      const variable = host.script.variable(name)
      return (m: RouteContext): string | null => {
        const value = variable.get(m)
        return value === null ? null : String(value)
      }
    }
    const username = textOf(params.username_spec)
    const password = textOf(params.password_spec)
    return {
      api: {
        authorize: (m, request) => authorizer.authorize(m, request),
        accepted: m => authorizer.accepted(m)?.credentials ?? null,
      } satisfies AuthApi,
      functions: {
        ...authFunctions({
          authorizer,
          challenger: new Challenger({ authorizer, nonces, log, reply }),
          findInVariables:
            username === null || password === null
              ? null
              : userInVariables(username, password, params.calculate_ha1 !== 0),
        }),
        ...rpidFunctions({
          variable: host.script.variable(params.rpid_avp),
          prefix: params.rpid_prefix,
          suffix: params.rpid_suffix,
        }),
      },
      start: () => {
        if (params.secret !== undefined && params.secret.length < SECRET_CHARS)
          log.warn('the secret is short: nonces could be forged by trying', { characters: params.secret.length })
      },
    }
  },
)
