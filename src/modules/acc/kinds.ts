/** Where accounting goes to. */
export const AVAILABLE_TYPES = ['log', 'db', 'evi'] as const
export type AccType = (typeof AVAILABLE_TYPES)[number]

/** What is accounted beside answered transactions. */
export const ACC_FLAGS = ['cdr', 'missed', 'failed'] as const
export type AccFlag = (typeof ACC_FLAGS)[number]

const UNAVAILABLE: Readonly<Record<string, string>> = {
  aaa: 'accounting by RADIUS or Diameter is not supported; use "log", "db" or "evi"',
}

/** Reads `log|db|evi`. Gives a text that says what is wrong. */
export function parseTypes(text: string): readonly AccType[] | string {
  const types: AccType[] = []
  for (const word of wordsOf(text)) {
    const type = AVAILABLE_TYPES.find(known => known === word)
    if (type === undefined) return UNAVAILABLE[word] ?? `unknown accounting type "${word}"; expected log, db or evi`
    types.push(type)
  }
  return types.length > 0 ? types : 'no accounting type; expected log, db or evi'
}

/** Reads `cdr|missed|failed`; empty is none. Gives a text that says what is wrong. */
export function parseAccFlags(text: string): readonly AccFlag[] | string {
  const flags: AccFlag[] = []
  for (const word of wordsOf(text)) {
    const flag = ACC_FLAGS.find(known => known === word)
    if (flag === undefined) return `unknown accounting flag "${word}"; expected cdr, missed or failed`
    flags.push(flag)
  }
  return flags
}

function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split('|')
    .map(word => word.trim())
    .filter(word => word !== '')
}
