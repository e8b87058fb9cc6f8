import { describe, expect, it } from 'vitest'
import { B4 } from '../../interop/scenarios/base-scripts.ts'
import { startScenario, until } from '../../interop/scenarios/rig.ts'
import { SipUa } from '../../support/sip-ua.ts'

const scriptOf = (check: string, interval: number): string => `${B4}
loadmodule "ratelimit.so"
modparam("ratelimit", "timer_interval", ${interval})
route {
    if (is_method("INVITE") && !has_totag()) {
        if (!${check}) { send_reply(503, "Server Unavailable"); exit; }
    }
    send_reply(200, "OK");
}
`

async function start(check: string, interval = 1) {
  const scenario = await startScenario(scriptOf(check, interval))
  const alice = await SipUa.open('alice')
  let asked = 0
  /** Sends INVITEs and gives how many of them pass. */
  const invite = async (count: number): Promise<number> => {
    const before = alice.count({ status: 200 })
    for (let i = 0; i < count; i++) {
      alice.request('INVITE', scenario.port)
      asked++
      await until(() => alice.count({ status: 200 }) + alice.count({ status: 503 }) === asked)
    }
    return alice.count({ status: 200 }) - before
  }
  return { scenario, invite }
}

describe('scenario 20: rate limit', () => {
  it('TAILDROP lets 10 of 100 calls in a second pass, and 10 more when the second ends among them', async () => {
    const { scenario, invite } = await start('rl_check("in", 10, "TAILDROP")')
    expect(await invite(50)).toBe(10)
    await scenario.clock.advance(1000)
    expect(await invite(50)).toBe(10)
  })

  it('9 calls a second for 5 s all pass', async () => {
    const { scenario, invite } = await start('rl_check("in", 10, "TAILDROP")')
    for (let second = 0; second < 5; second++) {
      expect(await invite(9)).toBe(9)
      await scenario.clock.advance(1000)
    }
  })

  it('rl_list shows the counter of the last second', async () => {
    const { scenario, invite } = await start('rl_check("in", 10, "TAILDROP")')
    await invite(25)
    await scenario.clock.advance(1000)
    await invite(3)
    const expected = { Pipe: [{ id: 'in', algorithm: 'TAILDROP', limit: 10, counter: 25 }], drop_rate: 0 }
    expect(await scenario.mi('rl_list', { pipe: 'in' })).toEqual(expected)
    expect(await scenario.mi('ratelimit:list')).toEqual(expected)
  })

  it('with an interval of 10 s and a limit for each second, 100 calls pass in it', async () => {
    const { invite } = await start('rl_check("in", 10)', 10)
    expect(await invite(110)).toBe(100)
  })

  it('RED lets every 4th call pass when there were 4 times too many in the second before', async () => {
    const { scenario, invite } = await start('rl_check("in", 10, "RED")')
    expect(await invite(40)).toBe(40)
    await scenario.clock.advance(1000)
    expect(await invite(40)).toBe(10)
  })

  it('a pipe that asks for a cluster is counted alone, and a warning says so', async () => {
    const { scenario, invite } = await start('rl_check("in/b", 10)')
    expect(await invite(12)).toBe(10)
    expect(scenario.logged('there is no cluster pipe=in/b')).toBe(1)
    expect(await scenario.mi('rl_list', { pipe: 'in' })).toMatchObject({ Pipe: [{ id: 'in' }] })
  })

  it('the script reads and sets counters', async () => {
    const { scenario, invite } = await start('rl_check("in", 2) && rl_dec_count("in") && $rl_count(in) < 2')
    expect(await invite(5)).toBe(5)
    expect(scenario.logged('ERROR')).toBe(0)
  })
})
