import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Folder of the package, whether run from the sources or from `dist/`, which lies one level deeper. */
export const packageRoot = findPackage()

function findPackage(): string {
  const found = ['../..', '../../..']
    .map(up => join(import.meta.dirname, up))
    .find(folder => existsSync(join(folder, 'package.json')))
  if (found === undefined)
    throw new Error('package.json was not found beside the program: the installation is incomplete')
  return found
}

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))

/** `fanfare 0.1.0 (x64/linux)`, in the form OpenSIPS prints its own. */
export const VERSION = `fanfare ${version} (${process.arch}/${process.platform})`
