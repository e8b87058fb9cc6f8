import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { E_ACC_CDR, Events, Notification } from 'fanfare/events'
import { describe, expect, it } from 'vitest'

interface AsyncApi {
  readonly asyncapi: string
  readonly channels: Readonly<Record<string, unknown>>
  readonly operations: Readonly<Record<string, { readonly channel: { readonly $ref: string } }>>
  readonly components: { readonly messages: Readonly<Record<string, unknown>> }
}

const schemas = join(import.meta.dirname, '../../schemas')
const document = JSON.parse(readFileSync(join(schemas, 'asyncapi.json'), 'utf8')) as AsyncApi

/** What a reference within the document points at. */
const resolved = (reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document)

describe('the AsyncAPI document', () => {
  it('has a channel, an operation and a message for every event, and no reference that leads nowhere', () => {
    expect(document.asyncapi).toBe('3.0.0')
    const types = readFileSync(join(schemas, 'events.d.ts'), 'utf8')
    const events = [...types.matchAll(/^export interface (E_\w+)/gm)].map(([, name = '']) => name).sort()
    expect(events.length).toBeGreaterThan(40)
    expect(Object.keys(document.channels).sort()).toEqual(events)
    expect(Object.keys(document.components.messages).sort()).toEqual(events)
    expect(Object.keys(document.operations).sort()).toEqual(events.map(name => `send${name}`))
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"(#[^"]+)"/g)].map(
      ([, reference = '']) => reference,
    )
    expect(references.filter(reference => resolved(reference) === undefined)).toEqual([])
  })
})

describe('the types of events', () => {
  it('name every event and the parameters of each', () => {
    // Checked by the compiler: a parameter of another name or type would not pass.
    const cdr: E_ACC_CDR = {
      method: 'INVITE',
      from_tag: 'a',
      to_tag: null,
      callid: 'c',
      sip_code: '200',
      sip_reason: 'OK',
      time: 1,
      duration: 2,
      ms_duration: 1500,
      setuptime: 0,
      created: 1,
    }
    const payload: Notification<'E_ACC_CDR'> = { jsonrpc: '2.0', method: 'E_ACC_CDR', params: cdr }
    const name: keyof Events = payload.method
    expect(document.components.messages).toHaveProperty(name)
  })
})
