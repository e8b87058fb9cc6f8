import { expect, it, onTestFinished } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { headersOf, SipUa } from '../../support/sip-ua.ts'

it('add_rr_param() in a branch route is seen in the Record-Route of that branch alone', async () => {
  const [alice, bob, carol] = [await SipUa.open('alice'), await SipUa.open('bob'), await SipUa.open('carol')]
  const proxy = await startProxy(`
    loadmodule "tm.so"
    loadmodule "sl.so"
    loadmodule "signaling.so"
    loadmodule "rr.so"
    route { record_route(); add_rr_param(";all=1"); append_branch("${carol.uri}"); t_on_branch("b"); t_relay(); }
    branch_route[b] { if ($rU == "bob") { add_rr_param(";only=bob"); } }`)
  onTestFinished(() => proxy.stop())
  alice.request('OPTIONS', proxy.port, { uri: bob.uri })
  const toBob = headersOf(await bob.nextRequest('OPTIONS'), 'Record-Route')
  const toCarol = headersOf(await carol.nextRequest('OPTIONS'), 'Record-Route')
  expect(toBob).toEqual([expect.stringContaining(';all=1;only=bob')])
  expect(toCarol).toEqual([expect.not.stringContaining('only=bob')])
  expect(toCarol).toEqual([expect.stringContaining(';all=1')])
})
