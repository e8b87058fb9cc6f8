/** What create_dialog can be asked for, one bit each. */
export const CreateFlag = {
  byeOnTimeout: 1,
  pingCaller: 2,
  pingCallee: 4,
  reinviteCaller: 8,
  reinviteCallee: 16,
  endOnRace: 32,
  autoPrack: 64,
} as const

const WORDS: Readonly<Record<string, number>> = {
  'bye-on-timeout': CreateFlag.byeOnTimeout,
  'options-ping-caller': CreateFlag.pingCaller,
  'options-ping-callee': CreateFlag.pingCallee,
  'reinvite-ping-caller': CreateFlag.reinviteCaller,
  'reinvite-ping-callee': CreateFlag.reinviteCallee,
  'end-on-race-condition': CreateFlag.endOnRace,
  'auto-prack': CreateFlag.autoPrack,
}
const LETTERS: Readonly<Record<string, number>> = {
  B: CreateFlag.byeOnTimeout,
  P: CreateFlag.pingCaller,
  p: CreateFlag.pingCallee,
  R: CreateFlag.reinviteCaller,
  r: CreateFlag.reinviteCallee,
  E: CreateFlag.endOnRace,
}

/** Reads words divided by commas, bars or blanks, or the letters of 2.x. Gives a text that says what is wrong. */
export function parseCreateFlags(text: string): number | string {
  const trimmed = text.trim()
  if (/^[BPpRrE]*$/.test(trimmed)) return Array.from(trimmed).reduce((mask, letter) => mask | (LETTERS[letter] ?? 0), 0)
  let mask = 0
  for (const word of trimmed.split(/[\s,|]+/).filter(part => part !== '')) {
    const bit = Object.hasOwn(WORDS, word.toLowerCase()) ? WORDS[word.toLowerCase()] : undefined
    if (bit === undefined) return unknownFlag(word)
    mask |= bit
  }
  return mask
}

function unknownFlag(word: string): string {
  return `unknown flag "${word}"; expected ${Object.keys(WORDS).join(', ')}, or letters of BPpRrE`
}
