import { expect, it, onTestFinished } from 'vitest'
import { eventRig } from '../../interop/events/event-rig.ts'
import { StreamPeer } from './stream-peer.ts'

const HEAD = (module: string) => `
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "${module}.so"
modparam("${module}", "timeout", 10000)
modparam("${module}", "event_param", "opensips_event")
`
const RAISE =
  '$avp(n) = "ip"; $avp(v) = "192.168.2.11"; raise_event("E_X", $avp(n), $avp(v)); sl_send_reply(200, "OK");'

it.each([
  ['event_stream', 'tcp', 'reliable_mode', ''],
  ['event_jsonrpc', 'jsonrpc', 'sync_mode', 'era=2.4'],
])('a script that loads %s reaches a server that answers', async (module, scheme, mode, settings) => {
  const peer = await StreamPeer.open(scheme)
  onTestFinished(() => peer.close())
  const head = `${HEAD(module)}modparam("${module}", "${mode}", 1)`
  const script = `startup_route { subscribe_event("E_X", "${peer.socket}/handle_cmd"); } route { ${RAISE} }`
  const rig = await eventRig(script, { head, settings })
  expect(await rig.request()).toBe(200)
  await rig.settled()
  expect(peer.received.replace(/"id":\d+,/, '')).toBe(
    '{"jsonrpc":"2.0","method":"handle_cmd","params":{"opensips_event":"E_X","ip":"192.168.2.11"}}',
  )
  expect(rig.proxy.proxy.host.bus.subscriptions()[0]?.counters).toMatchObject({ delivered: 1, failed: 0 })
})
