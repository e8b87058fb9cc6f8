import { describe, expect, it } from 'vitest'
import { fanfare } from '../cli/fanfare-process.ts'
import { folderWith } from './tests-of.ts'

/** Runs `proxy.test.ts` with this body of a scenario in a process of its own, in a folder where nothing is installed. */
async function runScenario(body: string, ...argv: readonly string[]) {
  const folder = folderWith({ 'proxy.test.ts': `import { scenario, type Phone } from 'fanfare/test'\n${body}` })
  const { status, out, err } = await fanfare(['test', 'proxy.test.ts', ...argv], { cwd: folder })
  return { status, out, err }
}

describe('tests in TypeScript', () => {
  it('do and expect all that tests in text do', async () => {
    const { status, out } = await runScenario(`
const options = { script: 'proxy.cfg', clock: '2031-07-09T12:00:00Z', replace: { Alive: 'Still alive' } }
scenario('everything', options, async stage => {
  const alice: Phone = stage.phone('alice', { at: '192.0.2.7' })
  const bob = stage.phone('bob', { over: 'udp', as: 'sip:bob@127.0.0.1' })
  await alice.registers({ for: '1h' })
  await bob.registers()
  await alice.sends('OPTIONS', { headers: { 'X-Test': ['one', 'two'] } })
  await alice.gets(200, { to: 'OPTIONS', reason: 'Still alive' })
  await alice.calls(bob, { headers: { Subject: 'lunch' } })
  const invite = await bob.gets('INVITE', { uri: bob.contact, headers: { Subject: /^lun/, 'P-Nothing': null }, body: /m=audio/ })
  if (invite.headers('Via').length !== 2 || invite.header('Max-Forwards') !== '70') throw new Error(invite.text)
  await bob.rings()
  await alice.gets('1xx')
  await alice.gets(180)
  await bob.answers()
  await alice.gets('2xx')
  await alice.sends('INFO', { inCall: true, body: 'x' })
  await bob.gets('INFO', { body: 'x' })
  await bob.replies(488, { reason: 'No' })
  await alice.gets(488, { reason: 'No' })
  await alice.hangsUp()
  await bob.gets('BYE')
  await bob.getsNothing()
  await alice.sends('MESSAGE')
  const event = await stage.event('E_TOLD', { user: /^al/ })
  if (event.params['user'] !== 'alice') throw new Error(JSON.stringify(event))
  await stage.subscriber('udp:127.0.0.1:9000').gets('E_TOLD', 'user=alice')
  await stage.subscriber('udp:127.0.0.1:9000').getsNothing()
  await stage.noEvent('E_TOLD')
  await stage.log('alice told')
  await stage.noLog(/told/)
  await stage.event('E_UL_CONTACT_DELETE', 'aor=alice@*', { within: '1h' })
  if (stage.elapsedMs !== 3_600_000) throw new Error('it is ' + stage.elapsedMs)
  if ((await stage.statistic('registered_users')) !== 0) throw new Error('somebody is registered')
  await stage.miRefused(404, 'ul_show_contact', ['location', 'alice@127.0.0.1'])
  if (!JSON.stringify(await stage.mi('version')).includes('fanfare')) throw new Error('who is it?')
})
`)
    expect(out).toMatch(/^proxy\.test\.ts\n {2}ok {4}everything\n\n1 passed/)
    expect(status).toBe(0)
  })

  it('that fail show the line and column of the step', async () => {
    const { status, out } = await runScenario(`
scenario('a call', 'proxy.cfg', async stage => {
  const alice = stage.phone('alice')
  await alice.calls('nobody')
  await alice.gets(200, { within: '3s' })
})
`)
    expect(out).toContain(
      'proxy.test.ts:6:15: alice gets 200\n        expected  the reply 200 at alice\n        came      404',
    )
    expect(status).toBe(1)
  })

  it('that do not await a step are told which', async () => {
    const { status, out } = await runScenario(`
scenario('last', 'proxy.cfg', async stage => {
  void stage.phone('alice').registers()
})
scenario('in between', 'proxy.cfg', async stage => {
  const alice = stage.phone('alice')
  void alice.gets(200)
  await alice.registers()
})
`)
    expect(out).toContain('proxy.test.ts:4:29: alice registers\n        the next step begins before this one is over')
    expect(out).toContain('proxy.test.ts:8:14: alice gets 200\n        the next step begins before this one is over')
    expect(status).toBe(2)
  })

  it('that throw show what they threw', async () => {
    const { status, out } = await runScenario(
      `scenario('t', 'proxy.cfg', async () => { throw new Error('on purpose') })`,
    )
    expect(out).toContain('FAIL  t\n        proxy.test.ts:2:1\n        on purpose\n')
    expect(status).toBe(1)
  })

  it('that cannot be loaded are told with their place', async () => {
    const { status, out } = await runScenario('scenario(')
    expect(out).toMatch(/proxy\.test\.ts cannot be loaded: [\s\S]*proxy\.test\.ts:2/)
    expect(status).toBe(2)
  })
})
