import { exposureWarning } from '../../mi/doors/exposure.ts'

/** The parameters of httpd that decide who can use it. */
export interface HttpdReach {
  readonly ip: string
  readonly port: number
  readonly auth_username: string | undefined
  readonly auth_password: string | undefined
  readonly user: readonly string[]
}

/**
 * What is unsafe about these parameters, as a sentence; null when nothing is. httpd logs it when it starts, and
 * refuses to start with it under `mi_require_auth`; `fanfare check` can say it before.
 */
export function httpdWarning({ ip, port, auth_username, auth_password, user }: HttpdReach): string | null {
  return exposureWarning({
    door: 'httpd',
    host: ip,
    port,
    authenticated: user.length > 0 || (auth_username !== undefined && auth_password !== undefined),
    remedy: 'set its parameter user (or auth_username and auth_password), or ip to 127.0.0.1',
  })
}
