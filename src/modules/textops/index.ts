import { arg, defineModule } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Step, Verdict } from '../../script/context.ts'
import { formatUri, parseUri } from '../../sip/codec/uri.ts'
import { bytePattern, fromBytes } from './byte-pattern.ts'
import { type Area, editMatches, findMatches, insertBehindMatch } from './message-text.ts'
import { parseSubstitution, type Substitution, substitute } from './substitution.ts'

const ROUTES = ['request', 'onreply', 'failure', 'branch', 'local'] as const
const URI_ROUTES = ['request', 'onreply', 'failure', 'branch'] as const
const pattern = arg('pattern', 'str', 'POSIX extended regular expression; case does not count.')
const text = arg('txt', 'str', 'Text to put there.')
const expression = arg('subexp', 'str', '`/pattern/replacement/flags`, with any delimiter; flags i, g, s.')

const search = <A>(args: A, doc: string) => ({ args, routes: ROUTES, returns: '1 found; −1 not found', doc }) as const
const subst = <R>(routes: R, doc: string) =>
  ({ args: [expression], routes, returns: '1 something was replaced; −1 nothing was', doc }) as const

/** Searching and replacing in messages as text. */
export default defineModule(
  {
    name: 'textops',
    doc: 'Searches and replaces text in messages. Brings the functions of sipmsgops with it, as it once held them.',
    brings: ['sipmsgops'],
    functions: {
      search: search([pattern], 'Looks for a pattern in the message.'),
      search_body: search([pattern], 'Looks for a pattern in the body.'),
      search_append: search([pattern, text], 'Puts text behind the first match in the message.'),
      search_append_body: search([pattern, text], 'Puts text behind the first match in the body.'),
      replace: search([pattern, text], 'Replaces the first match in the message.'),
      replace_body: search([pattern, text], 'Replaces the first match in the body.'),
      replace_all: search([pattern, text], 'Replaces every match in the message.'),
      replace_body_all: search([pattern, text], 'Replaces every match in the body, line by line.'),
      replace_body_atonce: search([pattern, text], 'Replaces every match in the body, taken as one text.'),
      subst: subst(ROUTES, 'Substitutes in the message.'),
      subst_body: subst(ROUTES, 'Substitutes in the body.'),
      subst_uri: subst(URI_ROUTES, 'Substitutes in the Request-URI.'),
      subst_user: subst(URI_ROUTES, 'Substitutes in the user of the Request-URI.'),
    },
  },
  ({ log }) => {
    const finder = (area: Area) => (wanted: Arg<string>) => {
      const patternOf = bytePattern(wanted, { ignoreCase: true, newline: true })
      return (m: RouteContext): Verdict => {
        const compiled = patternOf(m)
        return compiled !== null && findMatches(m, area, compiled).length > 0 ? 1 : -1
      }
    }
    const appender = (area: Area) => (wanted: Arg<string>, added: Arg<string>) => {
      const patternOf = bytePattern(wanted, { ignoreCase: true, newline: true })
      return (m: RouteContext): Verdict => {
        const compiled = patternOf(m)
        return compiled !== null && insertBehindMatch(m, area, compiled, added.read(m)) ? 1 : -1
      }
    }
    const replacer = (area: Area, global: boolean, newline: boolean) => (wanted: Arg<string>, put: Arg<string>) => {
      const patternOf = bytePattern(wanted, { ignoreCase: true, newline, global })
      return (m: RouteContext): Verdict => {
        const compiled = patternOf(m)
        return compiled !== null && editMatches(m, area, compiled, () => put.read(m)) ? 1 : -1
      }
    }
    const substituter =
      (apply: (m: RouteContext, s: Substitution) => boolean) =>
      (wanted: Arg<string>): Step => {
        const read = substitutionReader(wanted, fault => log.error('A substitution cannot be read', { fault }))
        return m => {
          const substitution = read(m)
          return substitution !== null && apply(m, substitution) ? 1 : -1
        }
      }
    const inArea =
      (area: Area) =>
      (m: RouteContext, { pattern: wanted, replacement }: Substitution) =>
        editMatches(m, area, wanted, match => fromBytes(replacement(match)))
    return {
      functions: {
        search: finder('message'),
        search_body: finder('body'),
        search_append: appender('message'),
        search_append_body: appender('body'),
        replace: replacer('message', false, true),
        replace_body: replacer('body', false, true),
        replace_all: replacer('message', true, true),
        replace_body_all: replacer('body', true, true),
        replace_body_atonce: replacer('body', true, false),
        subst: substituter(inArea('message')),
        subst_body: substituter(inArea('body')),
        subst_uri: substituter(substituteUri),
        subst_user: substituter(substituteUser),
      },
    }
  },
)

function substituteUri(m: RouteContext, substitution: Substitution): boolean {
  const edited = substitute(m.target.uri, substitution)
  if (edited === null || edited === '') return false
  m.target.uri = edited
  return true
}

function substituteUser(m: RouteContext, substitution: Substitution): boolean {
  const uri = parseUri(m.target.uri)
  const user = uri === null ? null : substitute(uri.user, substitution)
  if (uri === null || user === null) return false
  m.target.uri = formatUri({ ...uri, user })
  return true
}

/** Reads an expression at load where it is constant, else whenever it changes. */
function substitutionReader(
  wanted: Arg<string>,
  onFault: (fault: string) => void,
): (m: RouteContext) => Substitution | null {
  if (wanted.constant !== undefined) {
    const constant = parseSubstitution(wanted.constant)
    if (typeof constant === 'string') return wanted.reject(constant)
    return () => constant
  }
  let lastText: string | undefined
  let last: Substitution | null = null
  return m => {
    const current = wanted.read(m)
    if (current === lastText) return last
    const parsed = parseSubstitution(current)
    if (typeof parsed === 'string') onFault(parsed)
    lastText = current
    last = typeof parsed === 'string' ? null : parsed
    return last
  }
}
