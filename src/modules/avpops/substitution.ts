import type { Arg } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { substitutionTransformations } from '../../script/transformations/substitution.ts'
import type { Value } from '../../util/spec.ts'

/**
 * Compiles `/pattern/replacement/flags` as the transformation `re.subst` reads it. What it gives is the changed text, null where
 * nothing was changed. Throws an Error that says what is wrong.
 */
export function compileSubstitution(
  text: string,
  format: (text: string) => Arg<string>,
): (value: string, m: RouteContext) => Value {
  const build = substitutionTransformations['subst']?.build
  if (build === undefined) throw new TypeError('there is no re.subst')
  const substitute = build({
    raw: text,
    params: [],
    format,
    expand: () => undefined,
    reject: message => {
      throw new Error(`${text}: ${message}`)
    },
  })
  return (value, m) => {
    const changed = substitute(value, m)
    return changed === undefined || changed === value ? null : changed
  }
}
