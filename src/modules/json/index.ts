import { arg, defineModule, param } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import { mergePatch } from './merge.ts'
import { type JsonPath, parsePath } from './path.ts'
import { jsonHandler, link, parsed } from './variables.ts'
import { COMPACT, COMPACT_NOESCAPE, PRETTY, SPACED, writeJson } from './write-json.ts'

const written = (how: string) =>
  ({
    type: 'any',
    writable: false,
    inner: 'required',
    doc: `The value of $json(path), objects and arrays ${how}.`,
  }) as const

/** JSON values of the running script. */
export default defineModule(
  {
    name: 'json',
    doc: 'JSON values in scripts: parsed, read and changed by paths. They belong to the running script and begin as NULL.',
    params: {
      enable_long_quoting: param('int', 0, 'Whether integers beyond 32 bits are read as text.'),
      max_text_size: param('int', 1024, 'Longest text that is parsed.', { unit: 'KB' }),
    },
    functions: {
      json_link: {
        args: [
          arg('target', 'var', 'The variable that becomes another name: `$json(a)`.'),
          arg('source', 'var', 'What it is a name for: `$json(b/c)`.'),
        ],
        routes: 'any',
        returns: '1; −1 there is no such value, or no place for it',
        doc: 'Makes one variable another name for a value: what is written to one is seen in both.',
      },
      json_merge: {
        args: [
          arg('json', 'str', 'A JSON text.'),
          arg('patch', 'str', 'The JSON text that changes it.'),
          arg('result', 'var', 'Gets the text of the result; a $json variable gets the value.'),
        ],
        routes: 'any',
        returns: '1; −1 one of the texts is no JSON',
        doc: 'Changes a value by another one: members are replaced, and removed by null (RFC 7396).',
      },
    },
    pvars: {
      json: {
        type: 'any',
        writable: true,
        inner: 'required',
        doc:
          'A JSON value by its path, `name/key[index]`; `[]` appends. `:=` parses the text that is assigned, `=` stores it, NULL ' +
          'removes. Texts and integers read as such, everything else as JSON text. `[*]` gives every element.',
      },
      json_pretty: written('a member a line'),
      json_compact: written('without blanks'),
      json_compact_noescape: written('without blanks, slashes not escaped'),
    },
  },
  ({ host, log, params }) => {
    const parts = {
      log,
      variable: (text: string) => host.script.variable(text),
      quotesLong: params.enable_long_quoting !== 0,
      maxText: params.max_text_size * 1024,
    }
    const pathOf = (one: Arg<PvarRef>): JsonPath => {
      const inner = /^\$\(?json\((.*)\)$/s.exec(one.text.trim().replace(/^(\$\(.*)\)$/s, '$1'))?.[1]
      if (inner === undefined) return one.reject(`expected a variable $json(…), got ${one.text}`)
      return parsePath(inner, parts.variable)
    }
    return {
      functions: {
        json_link: (target, source) => {
          const [to, from] = [pathOf(target), pathOf(source)]
          return m => {
            if (link(to, from, m)) return 1
            log.error('a JSON value cannot be linked', { target: target.text, source: source.text })
            return -1
          }
        },
        json_merge: (json, patch, result) => m => {
          const target = parsed(json.read(m), parts)
          const change = parsed(patch.read(m), parts)
          if (target === undefined || change === undefined) return -1
          const text = writeJson(mergePatch(target, change), COMPACT_NOESCAPE)
          const out = result.read(m)
          return out.set(m, text, /^\$\(?json\(/.test(out.text)) ? 1 : -1
        },
      },
      pvars: {
        json: site => jsonHandler(site, parts, SPACED),
        json_pretty: site => jsonHandler(site, parts, PRETTY),
        json_compact: site => jsonHandler(site, parts, COMPACT),
        json_compact_noescape: site => jsonHandler(site, parts, COMPACT_NOESCAPE),
      },
    }
  },
)
