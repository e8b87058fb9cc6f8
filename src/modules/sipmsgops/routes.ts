/** Where most of the functions may stand. */
export const MESSAGE_ROUTES = ['request', 'onreply', 'failure', 'branch', 'local'] as const

/** The text as a complete header line: a line end is added where it is missing. */
export function headerLine(text: string): string {
  return text.endsWith('\r\n') ? text : `${text.replace(/[\r\n]+$/, '')}\r\n`
}
