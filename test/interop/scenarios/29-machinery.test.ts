import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { firstLine, SipUa } from '../../support/sip-ua.ts'
import { webServer } from '../../support/web-server.ts'
import { B4 } from './base-scripts.ts'
import { expectNothingLeft, roundTrip, startScenario, until } from './rig.ts'

const SCRIPT = `${B4}
loadmodule "rest_client.so"
loadmodule "statistics.so"
loadmodule "cfgutils.so"
loadmodule "event_flatstore.so"
modparam("statistics", "variable", "calls")
modparam("cfgutils", "shvset", "n=i:0")
startup_route { subscribe_event("E_MY", "flatstore:@DIR@/my.events"); }
timer_route[tick, 2] { update_stat("ticks", 1); $avp(v) = $stat(calls); raise_event("E_MY", , $avp(v)); }
error_route { sl_send_reply($err.rcode, $err.rreason); exit; }
route {
    if (is_method("OPTIONS")) { async(rest_get("http://127.0.0.1:@WEB@/slow", $var(b), $var(ct), $var(code)), done); }
    update_stat("calls", 1); sl_send_reply(200, "OK");
}
route[done] {
    $var(rc) = $rc;
    xlog("rc=$var(rc) code=$var(code)\\n");
    if ($var(rc) < 0) { t_reply(500, "Backend down"); exit; }
    t_reply(200, "$var(b)");
}
`

describe('scenario 29: async REST, timer, statistics, custom event, error route', () => {
  it('a slow web server delays those who wait for it, each by its own two seconds, and nobody else', async () => {
    const answers: (() => void)[] = []
    const web = await webServer(({ response }) => void answers.push(() => response.end('yes')))
    const scenario = await startScenario(SCRIPT, { WEB: web.port })
    const [waiting, other] = [await SipUa.open('waiting'), await SipUa.open('other')]
    for (let i = 0; i < 50; i++) waiting.request('OPTIONS', scenario.port)
    await until(() => answers.length === 50)
    // The server takes two seconds for each; all of them run together.
    other.request('MESSAGE', scenario.port)
    await other.nextReply(200)
    await scenario.clock.advance(2000)
    expect(waiting.count({ status: 200 })).toBe(0)
    for (const answer of answers) answer()
    for (let i = 0; i < 50; i++) expect(firstLine(await waiting.nextReply(200))).toBe('SIP/2.0 200 yes')
    expect(scenario.logged('rc=1 code=200')).toBe(50)
    await expectNothingLeft(scenario)
  })

  it('a web server that is not there: −1, and the script answers 500', async () => {
    const scenario = await startScenario(SCRIPT, { WEB: await freePort() })
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', scenario.port)
    expect((await alice.nextReply(500)).reason).toBe('Backend down')
    expect(scenario.logged('rc=-1 code=0')).toBe(1)
  })

  it('the timer route counts and writes what it counted; get_statistics shows both', async () => {
    const scenario = await startScenario(SCRIPT, { WEB: 1 })
    const alice = await SipUa.open('alice')
    alice.request('MESSAGE', scenario.port)
    await alice.nextReply(200)
    await scenario.clock.advance(2000)
    alice.request('MESSAGE', scenario.port)
    await alice.nextReply(200)
    await scenario.clock.advance(2000)
    const file = join(scenario.folder, 'my.events')
    await until(() => existsSync(file) && readFileSync(file, 'utf8') === 'E_MY,1\nE_MY,2\n')
    const shown = await scenario.mi('get_statistics', { statistics: ['dynamic:'] })
    expect(shown).toMatchObject({ 'dynamic:calls': 2, 'dynamic:ticks': 2 })
  })

  it('the error route answers a request whose headers cannot be read', async () => {
    const scenario = await startScenario(SCRIPT, { WEB: 1 })
    const alice = await SipUa.open('alice')
    await roundTrip(alice, scenario.port)
    expect(alice.received.map(message => message.status)).toEqual([400])
  })
})
