import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { MiError } from '../../mi/management-interface.ts'
import { arg, defineModule, optional, optionalParam, param } from '../../module/define.ts'
import type { Arg } from '../../script/args.ts'
import { compilePerlRegex, type PerlOptions } from '../../util/perl-regex.ts'
import { parseGroups } from './groups.ts'

const RETURNS = '1 it matches; −1 it does not, or the expression cannot be read'

/** Perl-compatible regular expressions, as the regex module of OpenSIPS. */
export default defineModule(
  {
    name: 'regex',
    doc: 'Matches texts against Perl-compatible regular expressions, of the script or of groups in a file.',
    params: {
      file: optionalParam('str', 'File with the groups.'),
      max_groups: param('int', 20, 'Most groups.'),
      group_max_size: param('int', 8192, 'Most bytes of the expressions of a group.', { unit: 'bytes' }),
      pcre_caseless: param('int', 0, '1: expressions match letters of either case.'),
      pcre_multiline: param('int', 0, '1: ^ and $ match at lines.'),
      pcre_dotall: param('int', 0, '1: a dot matches line ends too.'),
      pcre_extended: param('int', 0, '1: blanks and comments in expressions mean nothing.'),
    },
    functions: {
      pcre_match: {
        args: [arg('string', 'str', 'The text.'), arg('pcre_regex', 'str', 'The expression.')],
        routes: 'any',
        returns: RETURNS,
        doc: 'Matches a text against an expression.',
      },
      pcre_match_group: {
        args: [arg('string', 'str', 'The text.'), optional(arg('group', 'int', 'Number of the group; 0.'))],
        routes: 'any',
        returns: '1 one of the expressions matches; −1 none does, or there is no such group',
        doc: 'Matches a text against the expressions of a group of the file.',
      },
    },
    commands: {
      reload: { args: [], aliases: ['regex_reload'], doc: 'Reads the file anew. When that fails nothing changes.' },
    },
  },
  ({ host, log, params }) => {
    const options: PerlOptions = {
      ignoreCase: params.pcre_caseless !== 0,
      multiline: params.pcre_multiline !== 0,
      dotAll: params.pcre_dotall !== 0,
      extended: params.pcre_extended !== 0,
    }
    let groups: ReadonlyMap<number, readonly RegExp[]> = new Map()
    const load = async (): Promise<void> => {
      if (params.file === undefined) return
      const file = resolve(host.db.directory, params.file)
      const limits = { groups: params.max_groups, bytes: params.group_max_size }
      groups = parseGroups(await readFile(file, 'utf8'), file, limits, options)
    }
    return {
      functions: {
        pcre_match: (text, pattern) => {
          const constant = pattern.constant === undefined ? null : compileConstant(pattern, pattern.constant, options)
          return m => {
            try {
              return (constant ?? compilePerlRegex(pattern.read(m), options)).test(text.read(m)) ? 1 : -1
            } catch (error) {
              if (!(error instanceof Error)) throw error
              log.error('a regular expression cannot be read', { regex: pattern.read(m), reason: error.message })
              return -1
            }
          }
        },
        pcre_match_group: (text, group) => m => {
          const patterns = groups.get(group?.read(m) ?? 0) ?? []
          const value = text.read(m)
          return patterns.some(pattern => pattern.test(value)) ? 1 : -1
        },
      },
      commands: {
        reload: async () => {
          if (params.file === undefined)
            throw new MiError(500, 'Group matches support is not enabled', 'set the parameter file')
          try {
            await load()
          } catch (error) {
            throw new MiError(500, 'Failed to reload', error instanceof Error ? error.message : String(error))
          }
          return 'OK'
        },
      },
      start: load,
    }
  },
)

function compileConstant(pattern: Arg<string>, text: string, options: PerlOptions): RegExp {
  try {
    return compilePerlRegex(text, options)
  } catch (error) {
    return pattern.reject(error instanceof Error ? error.message : String(error))
  }
}
