#!/usr/bin/env node
/* Old syntax on purpose: this file must run, and explain itself, on any Node.js. */
'use strict'

var needed = 24
var major = parseInt(process.versions.node, 10)

if (major < needed) {
  process.stderr.write(
    'fanfare needs Node.js ' +
      needed +
      ' or later, but this is ' +
      process.version +
      ' (' +
      process.execPath +
      ').\n' +
      'Install a newer Node.js, or start it through npm in a checkout (npm start, npm run demo):\n' +
      'npm puts the Node.js that "npm ci" installed first on the PATH.\n',
  )
  process.exit(1)
}

require('./start.js')
