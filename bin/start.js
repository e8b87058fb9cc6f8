'use strict'

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

// A checkout runs its TypeScript sources as they are; the published package has only dist/.
const sources = join(__dirname, '..', 'src', 'cli', 'main.ts')
const built = join(__dirname, '..', 'dist', 'src', 'cli', 'main.js')

// Whoever reads our output may stop: that ends a command that prints, with the status of one that SIGPIPE ends, and
// must not end a proxy that logs.
process.stdout.on('error', () => process.exit(141))
process.stderr.on('error', () => {})

restartWithRoom()

import(pathToFileURL(existsSync(sources) ? sources : built).href)
  .then(cli => cli.main(process.argv.slice(2)))
  .then(status => {
    process.exitCode = status
  })
  .catch(error => {
    process.stderr.write(`fanfare: ${error?.stack ?? error}\n`)
    process.exitCode = 70
  })

/**
 * Calls leave much behind that dies within seconds: with more room for young objects less of it is copied about. Node.js
 * takes that setting on its command line only, so what serves starts itself anew, as the same process. Whoever gives the
 * flag (NODE_OPTIONS=--max-semi-space-size=16) or asks for what does not serve is left alone.
 */
function restartWithRoom() {
  const [command = ''] = process.argv.slice(2)
  const serves = command === 'run' || command === 'demo' || /^-[^cChV]/.test(command)
  const isGiven = [process.env.NODE_OPTIONS ?? '', ...process.execArgv].some(text => /semi.space/.test(text))
  if (!serves || isGiven || typeof process.execve !== 'function' || process.channel !== undefined) return
  // It is new in Node.js, which would say so with a warning.
  process.removeAllListeners('warning')
  const flags = [...process.execArgv, '--max-semi-space-size=64']
  try {
    process.execve(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)])
  } catch {
    // Windows has none, and neither has a process under a permission model: it serves as it is.
  }
}
