import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { startNode, startPair, type TestNode } from '../clusterer/rig.ts'

const script = (algorithm: string, more = ''): string => `
loadmodule "ratelimit.so"
loadmodule "sl.so"
modparam("ratelimit", "pipe_replication_cluster", 1)
modparam("ratelimit", "limit_per_interval", 1)
${more}
route {
  if ($rm == "OPTIONS") { sl_send_reply(200, "$rl_count(calls)"); exit; }
  rl_check("calls/b", 5, "${algorithm}");
  $var(rc) = $rc;
  sl_send_reply(200, "$var(rc)");
}`

async function ask(node: TestNode, method: string): Promise<string> {
  const ua = await SipUa.open('ua')
  ua.request(method, node.proxy.port)
  return (await ua.nextReply(200)).reason
}

/** Lets a node tell its counts until the other knows that both have counted so many. */
async function told(from: TestNode, to: TestNode, count: number): Promise<void> {
  await from.clock.advance(200)
  while ((await ask(to, 'OPTIONS')) !== String(count)) await new Promise(resolve => setImmediate(resolve))
}

describe('pipes of a cluster', () => {
  it.each(['TAILDROP', 'SBT'])('%s counts the calls of both nodes together', async algorithm => {
    const [one, two] = await startPair({ script: script(algorithm) })
    await ask(two, 'MESSAGE')
    for (let i = 0; i < 4; i++) expect(await ask(one, 'MESSAGE')).toBe('1')
    await told(one, two, 5)
    expect(await ask(two, 'MESSAGE')).toBe('-1')
    expect(await ask(one, 'MESSAGE')).toBe('1')
  })

  it('what a node told is forgotten after repl_timer_expire, and when it goes', async () => {
    const [one, two] = await startPair({ script: script('TAILDROP', 'modparam("ratelimit", "repl_timer_expire", 1)') })
    await ask(two, 'MESSAGE')
    await ask(one, 'MESSAGE')
    await told(one, two, 2)
    await two.clock.advance(1_000)
    expect(await ask(two, 'OPTIONS')).toBe('1')
    await told(one, two, 2)
    await one.stop()
    while ((await ask(two, 'OPTIONS')) !== '1') await new Promise(resolve => setImmediate(resolve))
  })

  it('the closed interval counts both nodes', async () => {
    const [one, two] = await startPair({ script: script('TAILDROP', 'modparam("ratelimit", "repl_timer_expire", 60)') })
    await ask(two, 'MESSAGE')
    await ask(one, 'MESSAGE')
    await told(one, two, 2)
    // Time passes for the second node alone, so that the first does not begin an interval before it.
    for (let i = 0; i < 200; i++) await two.clock.advance(50)
    expect(await two.mi('rl_list', { pipe: 'calls' })).toMatchObject({ Pipe: [{ id: 'calls', counter: 2 }] })
  })

  it('in a cluster this node is not in it is refused', async () => {
    await expect(startNode(1, { script: script('TAILDROP').replace('_cluster", 1', '_cluster", 8') })).rejects.toThrow(
      /cluster 8/,
    )
  })
})
