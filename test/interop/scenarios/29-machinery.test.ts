import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { roundTrip, startScenario, until } from './rig.ts'

const SCRIPT = `${B4}
loadmodule "event_flatstore.so"
startup_route { subscribe_event("E_MY", "flatstore:@DIR@/my.events"); }
timer_route[tick, 2] { $avp(v) = "tick"; raise_event("E_MY", , $avp(v)); }
error_route { sl_send_reply($err.rcode, $err.rreason); exit; }
route { sl_send_reply(200, "OK"); }
`

describe('scenario 29: timer route and error route', () => {
  it('a timer route writes an event every two seconds', async () => {
    const scenario = await startScenario(SCRIPT)
    const file = join(scenario.folder, 'my.events')
    for (let ticks = 1; ticks <= 3; ticks++) {
      await scenario.clock.advance(2000)
      await until(() => readIfThere(file) === 'E_MY,tick\n'.repeat(ticks))
    }
  })

  it('the error route answers a request whose headers cannot be read', async () => {
    const scenario = await startScenario(SCRIPT)
    const alice = await SipUa.open('alice')
    await roundTrip(alice, scenario.port)
    expect(alice.received.map(message => message.status)).toEqual([400])
    expect(scenario.stat('4xx_replies')).toBe(1)
  })
})

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
