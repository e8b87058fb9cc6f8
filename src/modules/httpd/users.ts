import type { HttpUser } from '../../mi/doors/basic-auth.ts'
import { parseRules } from '../../mi/permissions.ts'

/** The parameters of httpd that name users. */
export interface UserParams {
  readonly auth_username: string | undefined
  readonly auth_password: string | undefined
  /** `name:password[:commands]`. */
  readonly user: readonly string[]
}

/** Everybody httpd asks for. Throws an Error that says which parameter cannot be read; it never shows a password. */
export function readUsers({ auth_username: username, auth_password: password, user }: UserParams): readonly HttpUser[] {
  if ((username === undefined) !== (password === undefined)) {
    throw new Error('httpd: auth_username and auth_password go together, but only one of them is set')
  }
  const first = username === undefined || password === undefined ? [] : [{ username, password, rules: null }]
  return [...first, ...user.map(readUser)]
}

function readUser(text: string): HttpUser {
  const [username = '', password = '', ...rules] = text.split(':')
  if (username === '' || password === '')
    throw new Error(`httpd: user "${username}" needs the form name:password or name:password:commands`)
  return { username, password, rules: parseRules(rules.join(':')) }
}
