import type { RouteContext, Verdict } from '../../script/context.ts'
import type { DigestCredentials } from '../../sip/digest/credentials.ts'
import type { AuthorizationRequest } from './authorizer.ts'

export type { AuthorizationRequest, KnownUser } from './authorizer.ts'
export type { Asker } from './find-credentials.ts'

/** What other modules may do with credentials. */
export interface AuthApi {
  /**
   * Checks the credentials of a request, asking `find` for the user once the nonce has proved good: 1 right; −1 unknown
   * user; −2 wrong password; −3 stale nonce; −4 no credentials for the realm; −5 answered with 400, or with 500 where
   * `find` failed. Never throws or rejects.
   */
  authorize(m: RouteContext, request: AuthorizationRequest): Verdict | Promise<Verdict>
  /** The credentials accepted before in the processing of this request. */
  accepted(m: RouteContext): DigestCredentials | null
}
