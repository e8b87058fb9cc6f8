/** What the flags of an offer or answer ask for (rtpproxy reference, flags). */
export interface SessionFlags {
  /** Letters for the command: `A`, `I`, `E`, `S`, `Z20` … */
  readonly modifiers: string
  readonly isLookupOnly: boolean
  /** Does not mind that another RTP proxy has left its mark. */
  readonly ignoresMark: boolean
  /** The address in the description is taken as it is; else media come from where the message did. */
  readonly trustsSdp: boolean
  readonly changesOrigin: boolean
  readonly changesSession: boolean
  readonly keepsSdp: boolean
  readonly notifies: boolean
}

/** Payload type of DTMF where `d` names none. */
const DTMF_PAYLOAD = 101
const MODIFIERS: Readonly<Record<string, string>> = { a: 'A', i: 'I', e: 'E', s: 'S', w: 'S' }
const PLAIN = new Set(['l', 'f', 'r', 'o', 'c', 'k', 'n'])

/** Reads flags, letters in either case. Gives a text that says what is wrong. */
export function parseSessionFlags(text: string): SessionFlags | string {
  const letters = new Set<string>()
  let modifiers = ''
  const parts = text.replace(/[\s,|]+/g, '').match(/[a-z]\d*|./gi) ?? []
  for (const part of parts) {
    const letter = part.charAt(0)
    const number = part.slice(1)
    const folded = letter.toLowerCase()
    if (folded === 'd') modifiers += `D${number === '' ? DTMF_PAYLOAD : number}`
    else if ((folded === 't' || folded === 'z') && number !== '')
      modifiers += `${folded === 'z' ? 'Z' : letter}${number}`
    else if (number === '' && MODIFIERS[folded] !== undefined) modifiers += MODIFIERS[folded]
    else if (number === '' && PLAIN.has(folded)) letters.add(folded)
    else return `unknown flag "${part}"; expected letters of a l i e f r o c s w k n, d, t and z with their numbers`
  }
  return {
    modifiers,
    isLookupOnly: letters.has('l'),
    ignoresMark: letters.has('f'),
    trustsSdp: letters.has('r'),
    changesOrigin: letters.has('o'),
    changesSession: letters.has('c'),
    keepsSdp: letters.has('k'),
    notifies: letters.has('n') || /D/.test(modifiers),
  }
}
