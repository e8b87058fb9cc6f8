import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sipConformancePage } from '../../../scripts/sip-conformance.ts'
import { sipStatements } from './sip-statements.ts'

const root = join(import.meta.dirname, '../../..')

describe('the statements about SIP', () => {
  it('have numbers of their own', () => {
    const ids = sipStatements.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('name tests that exist', () => {
    expect(() => sipConformancePage(root)).not.toThrow()
  })
})
