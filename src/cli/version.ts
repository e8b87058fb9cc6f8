import { readFileSync } from 'node:fs'

/** The package's own description, whether run from the sources or from `dist/`. */
function readPackage(): { version: string } {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      return JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'))
    } catch {
      // Not at this depth: sources and dist lie one level apart.
    }
  }
  throw new Error('package.json was not found beside the program: the installation is incomplete')
}

/** `fanfare 0.1.0 (x64/linux)`, in the form OpenSIPS prints its own. */
export const VERSION = `fanfare ${readPackage().version} (${process.arch}/${process.platform})`
