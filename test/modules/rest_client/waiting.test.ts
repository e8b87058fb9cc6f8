import { describe, expect, it } from 'vitest'
import { scriptProxy } from '../../support/script-proxy.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'
import { webServer } from '../../support/web-server.ts'

/** A server that answers when it is told to, and a proxy on a script that asks it at `@ORIGIN@`. */
async function waiting(top: string, route: string) {
  const answers: (() => void)[] = []
  const server = await webServer(({ response }) => void answers.push(() => response.end('yes')))
  const bob = await SipUa.open('bob')
  const names = { ORIGIN: server.origin, BOB: bob.uri }
  const proxy = await scriptProxy({
    top: `loadmodule "rest_client.so"\nloadmodule "sipmsgops.so"\n${top}`,
    route,
    names,
  })
  /** Waits until the script waits for its n-th answer, and then gives it. */
  const answer = async (count = 1): Promise<void> => {
    await until(() => answers.length === count)
    answers[count - 1]?.()
  }
  return { ...proxy, answers, answer, bob }
}

describe('a script that waits in its midst', () => {
  it('goes on with variables, AVPs, flags, edits and Request-URI as they were', async () => {
    const { phone, port, bob, answer, answers } = await waiting(
      'loadmodule "textops.so"\nroute[inner] { rest_get("@ORIGIN@/", $var(b)); $avp(p) = $param(1); return(7); }',
      `if ($rm == "OPTIONS") { $var(v) = "other"; $avp(a) = "other"; sl_send_reply(200, "OK"); exit; }
       $var(v) = "mine"; $avp(a) = "one"; $avp(a) = "two"; setflag(F);
       append_hf("X-Before: 1\\r\\n"); $ru = "@BOB@;x=y"; $du = "@BOB@";
       route(inner, "par"); $var(rc) = $rc;
       if (isflagset(F)) append_hf("X-After: $var(v) $(avp(a)[*]) $avp(p) $var(rc) $var(b)\\r\\n");
       t_relay();`,
    )
    phone.request('MESSAGE', port)
    await until(() => answers.length === 1)
    phone.request('OPTIONS', port)
    await phone.nextReply(200)
    await answer()
    const relayed = await bob.nextRequest('MESSAGE')
    expect([relayed.requestUri, headerOf(relayed, 'X-Before'), headerOf(relayed, 'X-After')]).toEqual([
      `${bob.uri};x=y`,
      '1',
      'mine two, one par 7 yes',
    ])
  })

  it('delays nobody else: fifty wait at once, and each goes on by itself', async () => {
    const { phone, port, answers, bob } = await waiting(
      '',
      'if ($rm == "OPTIONS") { sl_send_reply(200, "OK"); exit; } rest_get("@ORIGIN@/", $var(b)); sl_send_reply(299, "$var(b)");',
    )
    for (let i = 0; i < 50; i++) phone.request('MESSAGE', port)
    await until(() => answers.length === 50)
    bob.request('OPTIONS', port)
    await bob.nextReply(200)
    expect(phone.received).toEqual([])
    for (const answer of answers) answer()
    for (let i = 0; i < 50; i++) expect((await phone.nextReply(299)).reason).toBe('yes')
  })

  it('sees that its transaction was cancelled meanwhile', async () => {
    const { phone, port, bob, answer, answers, logged } = await waiting(
      '',
      `if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
       t_newtran(); rest_get("@ORIGIN@/", $var(b));
       $du = "@BOB@"; t_relay(); $var(relay) = $rc; t_reply(480, "Gone");
       xlog("relay $var(relay) reply $rc\\n");`,
    )
    const invite = phone.request('INVITE', port)
    await until(() => answers.length === 1)
    phone.cancel(invite, port)
    phone.ack(invite, await phone.nextReply(487), port)
    await answer()
    await until(() => logged('relay -') === 1)
    expect(logged('reply -1')).toBe(1)
    expect(bob.received).toEqual([])
    expect(phone.count({ status: 480 })).toBe(0)
  })

  it('holds a reply in its reply route, and those behind it', async () => {
    const { phone, port, bob, answer, answers } = await waiting(
      'onreply_route[r] { if ($rs == "180") { rest_get("@ORIGIN@/", $var(b)); append_hf("X-Got: $var(b)\\r\\n"); } }',
      't_on_reply("r"); $du = "@BOB@"; t_relay();',
    )
    phone.request('INVITE', port)
    const invite = await bob.nextRequest('INVITE')
    bob.reply(invite, 180, 'Ringing')
    await until(() => answers.length === 1)
    bob.reply(invite, 200, 'OK')
    await answer()
    expect(headerOf(await phone.nextReply(180), 'X-Got')).toBe('yes')
    await phone.nextReply(200)
    expect(phone.received.map(({ status }) => status).filter(status => status > 100)).toEqual([180, 200])
  })

  it('waits in a failure route and relays to another place afterwards', async () => {
    const { phone, port, bob, answer } = await waiting(
      'failure_route[f] { rest_get("@ORIGIN@/", $var(b)); if ($rU == "first") { $ru = "sip:second@127.0.0.1"; $du = "@BOB@"; t_relay(); } }',
      't_on_failure("f"); $ru = "sip:first@127.0.0.1"; $du = "@BOB@"; t_relay();',
    )
    phone.request('INVITE', port)
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await answer()
    const second = await bob.nextRequest('INVITE')
    expect(second.requestUri).toBe('sip:second@127.0.0.1')
    bob.reply(second, 200, 'OK')
    await phone.nextReply(200)
  })

  it('ends with −10 when the proxy stops', async () => {
    const { phone, port, stop, answers, logged } = await waiting(
      '',
      'rest_get("@ORIGIN@/", $var(b)); xlog("ended with $rc\\n");',
    )
    phone.request('MESSAGE', port)
    await until(() => answers.length === 1)
    await stop()
    expect(logged('ended with -10')).toBe(1)
  })
})
