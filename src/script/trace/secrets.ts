/*
 * What a trace must not show: passwords in addresses and parameters, credentials, and the values of variables and
 * arguments whose names say that they are secrets, wherever else they turn up.
 */

/** Stands for a secret. */
export const HIDDEN = '***'

/** Shorter values are so common that hiding them everywhere would hide the text around them too. */
const MIN_HIDDEN_LENGTH = 4
/** Most secret values that are looked for in one run. */
const MAX_HIDDEN = 32

const SECRET_NAME =
  /(?:^|[^a-z])(?:pass|pwd)(?:[^a-z]|$)|passw|passphrase|secret|token|ha1|credential|authorization|auth\.resp|(?:api|private)_?key/i

const WORD = '(?:password|passwd|passphrase|pwd|secret|(?:\\w{1,20}_)?token|api_?key|private_?key|ha1)'

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // `//user:password@`
  [/(\/\/[^\s:/@]{0,128}):[^\s@/]{1,128}@/g, `$1:${HIDDEN}@`],
  // `rabbitmq:user:password@`, `sip:user:password@`
  [/\b(\w{1,20}:[^\s:@/<>]{1,128}):[^\s@/]{1,128}@/g, `$1:${HIDDEN}@`],
  [/^((?:proxy-)?authorization\s{0,8}:).{1,4096}$/gim, `$1 ${HIDDEN}`],
  [/\b(bearer|basic)\s{1,8}[\w.~+/=-]{8,4096}/gi, `$1 ${HIDDEN}`],
  [/\b(response|nextnonce)="[^"]{0,256}"/gi, `$1="${HIDDEN}"`],
  [
    new RegExp(
      `\\b(${WORD})(\\\\?["']?\\s{0,8}[=:]\\s{0,8})(?:\\\\?"[^"]{0,256}"|'[^']{0,256}'|[^\\s"'&;,]{1,256})`,
      'gi',
    ),
    `$1$2${HIDDEN}`,
  ],
]

/** Whether what has this name, a variable as written or an argument, is a secret. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name)

/** The secrets that one run has come across. */
export class Secrets {
  readonly #values = new Set<string>()

  add(value: string): void {
    if (value.length >= MIN_HIDDEN_LENGTH && this.#values.size < MAX_HIDDEN) this.#values.add(value)
  }

  /** The text without secrets. */
  hide(text: string): string {
    let shown = text
    for (const value of this.#values) shown = shown.replaceAll(value, HIDDEN)
    for (const [pattern, replacement] of PATTERNS) shown = shown.replace(pattern, replacement)
    return shown
  }
}
