import type { CliIo } from '../../src/cli/command.ts'

/** Keeps what a command writes. */
export class CapturedIo implements CliIo {
  out = ''
  err = ''
  readonly stdout = { write: (text: string): unknown => (this.out += text) }
  readonly stderr = { write: (text: string): unknown => (this.err += text) }
}
