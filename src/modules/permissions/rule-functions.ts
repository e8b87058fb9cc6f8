import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import type { RouteContext, Step } from '../../script/context.ts'
import { parseUri, unescapeUser } from '../../sip/codec/uri.ts'
import type { PermissionsParams } from './params.ts'
import type { RuleFiles, RuleSet, UriPair } from './rule-files.ts'

const returns = '1 allowed; −1 denied, or a URI cannot be read or is longer than 1024 characters'
const denyFile = optional(
  arg('deny_file', 'str', 'File of the rules that deny; the first argument is then the file of those that allow.'),
)

/** Functions on files of rules. */
export const ruleSpecs = {
  allow_routing: {
    args: [
      optional(arg('basename', 'str', 'Both files without their suffixes; the default files if absent.')),
      denyFile,
    ],
    routes: ['request', 'failure'],
    returns,
    doc: 'Whether the URI in From may reach the Request-URI, and those of the branches.',
  },
  allow_register: {
    args: [arg('basename', 'str', 'Both files without their suffixes.'), denyFile],
    routes: ['request', 'failure'],
    returns,
    doc: 'Whether the URI in To may register every one of the contacts.',
  },
  allow_uri: {
    args: [
      arg('basename', 'str', 'Both files without their suffixes.'),
      arg('uri', 'str', 'URI that the one in From is paired with.'),
    ],
    routes: ['request', 'failure'],
    returns,
    doc: 'Whether the URI in From may be paired with a URI.',
  },
} as const

/** Handlers of {@link ruleSpecs}. */
export function ruleFunctions(files: RuleFiles, params: PermissionsParams): FunctionHandlers<typeof ruleSpecs> {
  const opened = (name: Arg<string> | undefined, deny: Arg<string> | undefined): RuleSet => {
    if (name === undefined) return files.open(params.default_allow_file, params.default_deny_file)
    const fileName = constantName(name)
    return readable(name, () =>
      deny === undefined ? openBase(files, params, fileName) : files.open(fileName, constantName(deny)),
    )
  }
  const judging = (rules: RuleSet, pairsOf: (m: RouteContext) => readonly UriPair[] | null): Step => {
    return m => {
      const pairs = pairsOf(m)
      return pairs !== null && rules.permits(pairs) ? 1 : -1
    }
  }
  return {
    allow_routing: (name, deny) =>
      judging(opened(name, deny), m => {
        const branches = params.check_all_branches === 0 ? [] : m.branches
        return pairsWith(m.message.from?.uri, [m.target.uri, ...branches.map(({ uri }) => uri)])
      }),
    allow_register: (name, deny) =>
      judging(opened(name, deny), m => {
        const { contacts, to } = m.message
        // Taking everything back reaches no address.
        if (contacts === '*') return []
        return contacts === null
          ? null
          : pairsWith(
              to?.uri,
              contacts.map(({ uri }) => uri),
            )
      }),
    allow_uri: (name, uri) => judging(opened(name, undefined), m => pairsWith(m.message.from?.uri, [uri.read(m)])),
  }
}

/** The rules of `name.allow` and `name.deny`. Throws an Error where they cannot be read. */
export function openBase(files: RuleFiles, params: PermissionsParams, name: string): RuleSet {
  return files.open(`${name}${params.allow_suffix}`, `${name}${params.deny_suffix}`)
}

/** Pairs of one URI with others; null where one of them cannot be read or is too long. */
export function pairsWith(uri: string | undefined, others: readonly string[]): readonly UriPair[] | null {
  const left = plainUri(uri ?? '')
  const pairs = others.map(other => [left, plainUri(other)] as const)
  return pairs.every((pair): pair is UriPair => !pair.includes(null)) ? pairs : null
}

/** Longest URI that rules are asked about: some patterns take the square of the length. */
const MAX_URI_CHARS = 1024

/**
 * A URI as rules are written for: `sip:user@host`, whatever its scheme, without port and parameters (as the reference),
 * and without escapes, which would get past every rule. Null where it cannot be read or is too long.
 */
function plainUri(uri: string): string | null {
  const parsed = uri.length > MAX_URI_CHARS ? null : parseUri(uri)
  if (parsed === null) return null
  const user = unescapeUser(parsed.user)
  if (parsed.scheme === 'tel') return `tel:${user}`
  return user === '' ? `sip:${parsed.host}` : `sip:${user}@${parsed.host}`
}

function constantName(name: Arg<string>): string {
  return name.constant ?? name.reject('expected a name without variables: files are read when the proxy starts')
}

function readable(name: Arg<string>, open: () => RuleSet): RuleSet {
  try {
    return open()
  } catch (error) {
    return name.reject(error instanceof Error ? error.message : String(error))
  }
}
