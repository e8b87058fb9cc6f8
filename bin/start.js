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

import(pathToFileURL(existsSync(sources) ? sources : built).href)
  .then(cli => cli.main(process.argv.slice(2)))
  .then(status => {
    process.exitCode = status
  })
  .catch(error => {
    process.stderr.write(`fanfare: ${error?.stack ?? error}\n`)
    process.exitCode = 70
  })
