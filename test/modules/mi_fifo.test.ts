import { existsSync, lstatSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import miFifo from '../../src/modules/mi_fifo/index.ts'
import { moduleStand, NEVER, setUp } from '../mi/start-module.ts'

it('mi_fifo makes its FIFO at start, 0600 for mode 0, and removes it at stop', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fanfare-mi-fifo-'))
  const path = join(directory, 'fifo')
  const door = setUp(moduleStand(), miFifo, { fifo_name: path, fifo_mode: 0 })
  expect(existsSync(path)).toBe(false)
  await door.start?.(NEVER)
  expect(lstatSync(path).isFIFO()).toBe(true)
  expect(lstatSync(path).mode & 0o777).toBe(0o600)
  await door.stop?.(NEVER)
  expect(existsSync(path)).toBe(false)
  rmSync(directory, { recursive: true })
})
