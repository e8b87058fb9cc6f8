import type { Caller, ManagementInterface } from '../management-interface.ts'
import { MiCode, MiError } from '../mi-error.ts'
import { legacyRefusal, parseTextRequest, textAnswer } from '../text-form.ts'

/** How a door of 2.x words what went wrong: with the command's name, or without. */
export interface TextWording {
  unknown(command: string): string
  malformed(command: string): string
  /** What stands for a level of a tree. */
  readonly indent: string
}

/** Words of mi_fifo (events reference §5.8). */
export const FIFO_WORDING: Omit<TextWording, 'indent'> = {
  unknown: command => `500 command '${command}' not available\n`,
  malformed: command => `400 Parse error in command '${command}'\n`,
}

/** Words of mi_datagram (events reference §5.8). */
export const DATAGRAM_WORDING: Omit<TextWording, 'indent'> = {
  unknown: () => '500 command not available\n',
  malformed: () => '400 parse_error\n',
}

/** Answers one request in the text form of 2.x. Null when it is none. */
export async function answerText(
  mi: ManagementInterface,
  text: string,
  caller: Caller,
  wording: TextWording,
): Promise<string | null> {
  const request = parseTextRequest(text)
  if (request === null) return null
  const { command, args } = request
  if (args === null) return wording.malformed(command)
  try {
    return await textAnswer(await mi.call(command, args, caller), wording.indent)
  } catch (error) {
    if (!(error instanceof MiError)) throw error
    if (error.code === MiCode.methodNotFound || error.code === MiCode.methodAmbiguous) return wording.unknown(command)
    const { code, reason } = legacyRefusal(error)
    return `${code} ${reason}\n`
  }
}
