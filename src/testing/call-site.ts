import { dirname, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getCallSites } from 'node:util'
import type { StepPlace } from './failure.ts'

const OWN_FOLDER = dirname(import.meta.filename) + sep
const MOST_FRAMES = 30

/** Where the code stands that called into this folder: the test. */
export function callSite(): StepPlace {
  for (const { scriptName, lineNumber, columnNumber } of getCallSites(MOST_FRAMES)) {
    const file = scriptName.startsWith('file:') ? fileURLToPath(scriptName) : scriptName
    if (file !== '' && !file.startsWith('node:') && !file.startsWith(OWN_FOLDER))
      return { file: file.replace(/\?.*$/, ''), line: lineNumber, column: columnNumber }
  }
  return { file: '', line: 0, column: 0 }
}
