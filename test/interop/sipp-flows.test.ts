import { constants, getPriority, setPriority } from 'node:os'
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { freePort, openedForTcp, openedForUdp } from '../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../support/running-proxy.ts'
import { firstLine, SipUa } from '../support/sip-ua.ts'
import { type SippRun, sippBuiltIn } from '../support/sipp.ts'

const CALLS = 20
const LOAD_PER_SECOND = 200
const LOAD_SECONDS = 60

/** Sends whatever comes to one callee: SIPp's own scenarios put no Route in what they send within a dialog. */
const script = (calleePort: number): string => `
log_level=2
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
route {
    if (is_method("INVITE") && !has_totag()) record_route();
    $du = "sip:127.0.0.1:${calleePort}";
    t_relay();
}
`

/** Answers the REGISTER of the branching caller itself, sends the rest on. */
const branchScript = (calleePort: number): string => `
log_level=2
loadmodule "sl.so"
loadmodule "tm.so"
route {
    $du = "sip:127.0.0.1:${calleePort}";
    t_relay();
}
`

/**
 * Lets this process, and the SIPps it starts, go before others of the machine, where that is allowed: a callee of SIPp gives
 * the call up when its INVITE is repeated, so that nobody may wait half a second for a processor. Gives what takes it back.
 */
function goFirst(): () => void {
  const before = getPriority()
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    return () => {}
  }
  return () => setPriority(before)
}

describe.skipIf(inject('sippMissing') !== null)('flows that SIPp brings with it', () => {
  let proxy: ProxyUnderTest
  let running: SippRun[]

  beforeEach(() => {
    running = []
  })

  afterEach(async () => {
    for (const run of running) run.end()
    await Promise.all(running.map(({ result }) => result))
    await proxy.stop()
  })

  const callee = async (name: string, port: number): Promise<void> => {
    start(name, ['-p', port])
    await openedForUdp(port)
  }

  const start = (name: string, args: readonly (string | number)[]): SippRun => {
    const run = sippBuiltIn(name, args.map(String))
    running.push(run)
    return run
  }

  const expectSuccess = async (run: SippRun): Promise<void> => {
    const result = await run.result
    expect(result.status, result.output).toBe(0)
  }

  const transactionsInUse = (): number | bigint | undefined =>
    proxy.proxy.host.stats.find('tm:inuse_transactions')?.read()

  it(`uac to uas: ${CALLS} calls`, async () => {
    const port = await freePort()
    proxy = await startProxy(script(port))
    await callee('uas', port)
    await expectSuccess(start('uac', [`127.0.0.1:${proxy.port}`, '-m', CALLS, '-r', 50, '-p', await freePort()]))
  })

  it('branchc to branchs: the callee takes some calls and refuses others', async () => {
    const port = await freePort()
    proxy = await startProxy(branchScript(port))
    await callee('branchs', port)
    await expectSuccess(start('branchc', [`127.0.0.1:${proxy.port}`, '-m', CALLS, '-r', 20, '-p', await freePort()]))
  })

  it('3pcc: a controller joins two callees, both legs through the proxy', async () => {
    const [a, b, control] = [await freePort(), await freePort(), await freePort()]
    proxy = await startProxy(`
log_level=2
loadmodule "sl.so"
loadmodule "tm.so"
route {
    if ($rU == "a") $du = "sip:127.0.0.1:${a}";
    else $du = "sip:127.0.0.1:${b}";
    t_relay();
}
`)
    await callee('3pcc-A', a)
    await callee('3pcc-B', b)
    const via = [`127.0.0.1:${proxy.port}`, '-3pcc', `127.0.0.1:${control}`, '-m', CALLS, '-r', 10]
    const second = start('3pcc-C-B', [...via, '-s', 'b', '-p', await freePort()])
    // The one connects to the other at once, or gives up.
    await openedForTcp(control)
    const first = start('3pcc-C-A', [...via, '-s', 'a', '-p', await freePort()])
    await Promise.all([expectSuccess(first), expectSuccess(second)])
  })

  it('ooc: what belongs to no call of a SIPp is answered by its out-of-call scenario, through the proxy', async () => {
    const [port, caller] = [await freePort(), await freePort()]
    proxy = await startProxy(script(caller))
    await callee('uas', port)
    const longCall = ['-m', 1, '-d', 60_000, '-p', caller]
    start('uac', [`127.0.0.1:${port}`, ...longCall, '-oocsn', 'ooc_default'])
    const ua = await SipUa.open('stranger')
    await openedForUdp(caller)
    ua.request('OPTIONS', proxy.port, { uri: `sip:service@127.0.0.1:${proxy.port}` })
    expect(firstLine(await ua.nextReply(200))).toBe('SIP/2.0 200 OK')
  })

  it(`uac to uas: ${LOAD_PER_SECOND} calls a second for ${LOAD_SECONDS} s, none fails and nothing stays`, async () => {
    onTestFinished(goFirst())
    const port = await freePort()
    proxy = await startProxy(script(port))
    await callee('uas', port)
    const load = ['-m', LOAD_PER_SECOND * LOAD_SECONDS, '-r', LOAD_PER_SECOND, '-l', 2000]
    await expectSuccess(start('uac', [`127.0.0.1:${proxy.port}`, ...load, '-p', await freePort()]))
    while (transactionsInUse() !== 0) await new Promise(resolve => setTimeout(resolve, 50))
  }, 240_000)
})
