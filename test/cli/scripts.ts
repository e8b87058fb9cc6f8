import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder of its own for a test, removed at its end. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes a script into a folder of its own, removed at the end of the test; `@DIR@` in it stands for the folder. Gives its path. */
export function scriptFile(text: string): string {
  const folder = testFolder()
  const file = join(folder, 'test.cfg')
  writeFileSync(file, text.replaceAll('@DIR@', folder))
  return file
}

/** Answers 404 to everything. */
export const PLAIN = `
socket = udp:127.0.0.1:0
loadmodule "sl.so"
route { sl_send_reply(404, "Not Here"); }
`

/** Management over HTTP on a port that the system chooses; the log names it. */
export const WITH_HTTP = `
log_level = 3
loadmodule "httpd.so"
loadmodule "mi_http.so"
modparam("httpd", "port", 0)
`
