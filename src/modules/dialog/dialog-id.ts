/** The two numbers that name a dialog: a bucket of the table, and a number within it (up to 32 bits). */
export interface DialogId {
  readonly entry: number
  readonly number: number
}

/** The same with its text. */
export interface NamedDialogId extends DialogId {
  readonly text: string
}

const NUMBER_SPACE = 2 ** 32

/** `473.25b1aca3`: both numbers in hexadecimal, each written backwards. Also the value of the Record-Route parameter. */
export function idText({ entry, number }: DialogId): string {
  return `${digitsOf(entry)}.${digitsOf(number)}`
}

/** Both numbers as one of 64 bits, in decimal, as a database would hold them. */
export function databaseId({ entry, number }: DialogId): string {
  return String(entry * NUMBER_SPACE + number)
}

/** Reads either form; null where the text is neither. */
export function parseDialogId(text: string): DialogId | null {
  const hex = /^([0-9a-f]{1,8})\.([0-9a-f]{1,8})$/i.exec(text.trim())
  if (hex !== null) {
    const [, entry = '', number = ''] = hex
    return { entry: Number.parseInt(backwards(entry), 16), number: Number.parseInt(backwards(number), 16) }
  }
  if (!/^\d{1,16}$/.test(text.trim())) return null
  const whole = Number(text)
  return { entry: Math.floor(whole / NUMBER_SPACE), number: whole % NUMBER_SPACE }
}

const DIGITS = '0123456789abcdef'
/** Two digits of each byte, the lower first. */
const PAIRS = Array.from({ length: 256 }, (_, byte) => `${DIGITS[byte & 15]}${DIGITS[byte >>> 4]}`)

/** A number of up to 32 bits in hexadecimal, the lowest digit first. */
function digitsOf(number: number): string {
  let text = ''
  let rest = number
  for (; rest > 255; rest >>>= 8) text += PAIRS[rest & 255]
  return text + (rest > 15 ? PAIRS[rest] : DIGITS[rest])
}

function backwards(text: string): string {
  let reversed = ''
  for (const digit of text) reversed = digit + reversed
  return reversed
}
