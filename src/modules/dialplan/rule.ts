import type { TimeTest } from '../../util/recurrence-expression.ts'

/** How a rule of a dial plan tests a text, and what it makes of it. */
export interface Rule {
  readonly dialplan: number
  readonly priority: number
  readonly matches: (text: string) => boolean
  /** Takes apart what {@link replacement} is made of; null: the text stays, or the replacement stands alone. */
  readonly subject: RegExp | null
  /** With `\1` for groups of {@link subject}; '' leaves the text as it is. */
  readonly replacement: string
  /** When it holds; null: always. */
  readonly times: TimeTest | null
  readonly attrs: string | null
}

/** What a text became. */
export interface Translation {
  readonly output: string
  readonly attrs: string | null
}

/** The rules of each dial plan, in the order in which they are tried. */
export class Dialplans {
  readonly #plans = new Map<number, Rule[]>()

  constructor(rules: readonly Rule[]) {
    for (const rule of rules.toSorted((a, b) => a.priority - b.priority)) {
      const plan = this.#plans.get(rule.dialplan)
      if (plan === undefined) this.#plans.set(rule.dialplan, [rule])
      else plan.push(rule)
    }
  }

  /** Translates by the first rule that matches. Null: none does, or its text cannot be taken apart. */
  translate(dialplan: number, text: string, timeMs: number): Translation | null {
    const rule = this.#plans
      .get(dialplan)
      ?.find(({ matches, times }) => matches(text) && (times === null || times(timeMs)))
    const output = rule === undefined ? null : outputOf(rule, text)
    return rule === undefined || output === null ? null : { output, attrs: rule.attrs }
  }
}

function outputOf({ subject, replacement }: Rule, text: string): string | null {
  if (replacement === '') return text
  if (subject === null) return replacement
  const groups = subject.exec(text)
  if (groups === null) return null
  return replacement.replaceAll(/\\(\d|\\)/g, (_, digit: string) =>
    digit === '\\' ? '\\' : (groups[Number(digit)] ?? ''),
  )
}
