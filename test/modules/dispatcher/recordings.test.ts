import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { MiError } from '../../../src/mi/management-interface.ts'
import { farm } from './rig.ts'

const golden = join(import.meta.dirname, '../../fixtures/golden')
const read = (name: string) => readFileSync(join(golden, name), 'utf8')

/** The destinations of the recordings, in the order of their table. */
const ROWS = [
  { set: 1, uri: 'sip:127.0.0.1:5070', attrs: 'a1', description: 'gw one' },
  { set: 1, uri: 'sip:127.0.0.1:5071', attrs: 'a2', description: 'gw two' },
  { set: 2, uri: 'sip:127.0.0.1:5072', weight: '50', priority: 5 },
]
const recordedFarm = () =>
  farm({ rows: ROWS, params: { ds_probing_threshhold: 1, ds_probing_mode: 0 }, routes: 'route { exit; }' })
type Farm = Awaited<ReturnType<typeof recordedFarm>>

/** The answer to a request of a recording, as text. */
async function answer({ mi }: Farm, request: string): Promise<string> {
  const { method, params } = JSON.parse(request)
  try {
    return JSON.stringify({ jsonrpc: '2.0', result: await mi(method, params), id: 1 })
  } catch (error) {
    const { code, message } = error as MiError
    return JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: 1 })
  }
}

/** What a recording shows: request, answer, events. */
function recording(name: string) {
  const [request = '', reply = ''] = read(`dispatcher/${name}.req`).split('--- reply ---\n')
  const events = read(`dispatcher/${name}.out`).trim().split('\n')
  return { request, reply: reply.trim(), events: events.filter(event => event !== '') }
}

const names = readdirSync(join(golden, 'dispatcher'))
  .filter(name => name.startsWith('set_state') && name.endsWith('.req'))
  .map(name => name.replace('.req', ''))

describe('ds_set_state as recorded', () => {
  it('finds the recordings', () => {
    expect(names).toHaveLength(8)
  })

  it.each(names)('%s: answer and event', async name => {
    const proxy = await recordedFarm()
    const { request, reply, events } = recording(name)
    const [, , state, , port] = name.split('_')
    // Those that switch on were recorded on destinations that had been switched off.
    if (state === 'a' && events.length > 0) await proxy.mi('ds_set_state', ['i', '1', `sip:127.0.0.1:${port}`])
    proxy.raised()
    expect(await answer(proxy, request)).toBe(reply)
    // The answer to the probe that follows in one recording is another test's: nobody listens at the recorded port.
    expect(proxy.raised()).toEqual(events.filter(event => !event.includes('probing reply')))
  })

  it('raises nothing when nothing changes', async () => {
    const { mi, raised } = await recordedFarm()
    for (const state of ['a', 'i', 'i', 'p', 'a', 'a', 'p', 'p', 'i'])
      await mi('ds_set_state', [state, '1', 'sip:127.0.0.1:5070'])
    const statuses = raised().map(event => JSON.parse(event).params.status)
    expect(statuses).toEqual(['inactive', 'active', 'inactive', 'inactive'])
  })
})

describe('ds_list and ds_reload as recorded', () => {
  it.each(['ds_list', 'ds_list_full', 'ds_reload', 'ds_set_state_bad'])('%s', async name => {
    const proxy = await recordedFarm()
    for (const [state, set, port] of [
      ['p', '1', 5070],
      ['i', '1', 5071],
      ['i', '2', 5072],
    ])
      await proxy.mi('ds_set_state', [state, set, `sip:127.0.0.1:${port}`])
    expect(await answer(proxy, read(`mi/${name}.datagram.req`))).toBe(read(`mi/${name}.datagram.out`).trim())
  })
})
