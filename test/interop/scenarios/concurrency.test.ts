import { describe, expect, it } from 'vitest'
import type { DnsClient } from '../../../src/sip/net/dns-client.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { B4, FORKING_ROUTE, TCP } from './base-scripts.ts'
import { expectNothingLeft, register, roundTrip, type Scenario, startScenario, until } from './rig.ts'

/** A name server that knows nothing until the test tells it, and then that every name is 127.0.0.1. */
class SlowDns implements DnsClient {
  readonly #asked: ((records: { address: string; ttlS: number }[]) => void)[] = []

  /** Questions that wait for their answer. */
  get waiting(): number {
    return this.#asked.length
  }

  addresses(): Promise<{ address: string; ttlS: number }[]> {
    return new Promise(resolve => void this.#asked.push(resolve))
  }
  srv = async () => []
  naptr = async () => []

  answer(): void {
    for (const resolve of this.#asked.splice(0)) resolve([{ address: '127.0.0.1', ttlS: 60 }])
  }

  deny(): void {
    for (const resolve of this.#asked.splice(0)) resolve([])
  }
}

const WAITING_SCRIPT = `${B4}
route {
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("OPTIONS")) { send_reply(200, "OK"); exit; }
    $var(call) = $ci;
    xlog("begins $ci\\n");
    if (is_method("INFO")) {
        $du = "sip:" + $hdr(X-Host) + ":@NEXT@";
        forward();
    } else {
        $ru = "sip:bob@" + $hdr(X-Host) + ":@NEXT@";
        if (!t_relay()) sl_reply_error();
    }
    xlog("ends $ci with $var(call)\\n");
}
`
const HOST = { headers: 'X-Host: slow.example\r\n' }

async function startWaiting() {
  const dns = new SlowDns()
  const [alice, next] = await Promise.all([SipUa.open('alice'), SipUa.open('next')])
  const scenario = await startScenario(WAITING_SCRIPT, { NEXT: next.port }, dns)
  return { dns, alice, next, scenario }
}

/** Whether OPTIONS are answered now. */
async function answersOptions(alice: SipUa, scenario: Scenario): Promise<boolean> {
  alice.request('OPTIONS', scenario.port)
  return (await alice.nextReply(200, 'OPTIONS')).status === 200
}

describe('a route that does not wait', () => {
  it('comes to its end before the next message is looked at, however many come at once', async () => {
    const scenario = await startScenario(`${B4}${TCP}
route {
    xlog("begins $ci\\n");
    $var(i) = 0;
    while ($var(i) < 100) { $var(i) = $var(i) + 1; }
    if (is_method("REGISTER")) save("location"); else send_reply(200, "OK");
    xlog("ends $ci\\n");
}
`)
    const agents = await Promise.all([0, 1, 2, 3].map(i => SipUa.open(`ua${i}`, i % 2 === 0 ? 'udp' : 'tcp')))
    for (let i = 0; i < 25; i++)
      for (const agent of agents) agent.request(i % 2 === 0 ? 'REGISTER' : 'MESSAGE', scenario.port)
    await until(() => agents.every(agent => agent.received.length === 25))
    const order = scenario.log.flatMap(line => /(?:begins|ends) \S+$/.exec(line.trim())?.[0] ?? [])
    expect(order).toHaveLength(200)
    for (let i = 0; i < order.length; i += 2) expect(order[i + 1]).toBe(order[i]?.replace('begins', 'ends'))
  })
})

describe('a route that waits for a name', () => {
  it.each(['MESSAGE', 'INVITE', 'INFO'])('(%s) does not keep other messages waiting', async method => {
    const { dns, alice, next, scenario } = await startWaiting()
    const request = alice.request(method, scenario.port, HOST)
    await until(() => dns.waiting === 1)
    for (let i = 0; i < 5; i++) expect(await answersOptions(alice, scenario)).toBe(true)
    expect([next.received.length, scenario.logged('ends')]).toEqual([0, 0])
    dns.answer()
    const received = await next.nextRequest(method)
    expect(received.callId).toBe(request.callId)
    await until(() => scenario.logged(`ends ${request.callId} with ${request.callId}`) === 1)
  })

  it('keeps its variables from messages that run meanwhile', async () => {
    const { dns, alice, next, scenario } = await startWaiting()
    const requests = Array.from({ length: 50 }, (_, i) =>
      alice.request(i % 2 === 0 ? 'MESSAGE' : 'INFO', scenario.port, { headers: `X-Host: slow${i}.example\r\n` }),
    )
    await until(() => dns.waiting === 50)
    dns.answer()
    await until(() => next.received.length === 50)
    await until(() => scenario.logged('ends') === 50)
    for (const { callId } of requests) expect(scenario.logged(`ends ${callId} with ${callId}`)).toBe(1)
  })

  it('absorbs retransmissions of the request meanwhile', async () => {
    const { dns, alice, next, scenario } = await startWaiting()
    const request = alice.request('MESSAGE', scenario.port, HOST)
    await until(() => dns.waiting === 1)
    for (let i = 0; i < 3; i++) alice.send(request.bytes, scenario.port)
    await roundTrip(alice, scenario.port)
    dns.answer()
    next.reply(await next.nextRequest('MESSAGE'), 200, 'OK')
    await alice.nextReply(200, 'MESSAGE')
    expect([scenario.logged('begins'), next.count({ method: 'MESSAGE' })]).toEqual([1, 1])
    await expectNothingLeft(scenario)
  })

  it('is answered with a local error when the name does not exist', async () => {
    const { dns, alice, scenario } = await startWaiting()
    alice.request('MESSAGE', scenario.port, HOST)
    await until(() => dns.waiting === 1)
    dns.deny()
    await alice.nextReply(476)
    await expectNothingLeft(scenario)
  })

  it('sends nothing when the caller cancelled meanwhile', async () => {
    const { dns, alice, next, scenario } = await startWaiting()
    const invite = alice.request('INVITE', scenario.port, HOST)
    await until(() => dns.waiting === 1)
    alice.cancel(invite, scenario.port)
    await alice.nextReply(200, 'CANCEL')
    alice.ack(invite, await alice.nextReply(487, 'INVITE'), scenario.port)
    dns.answer()
    await roundTrip(alice, scenario.port)
    expect(next.received).toEqual([])
    await expectNothingLeft(scenario)
  })
})

describe('a failure_route that waits for a name', () => {
  it('holds the reply back until it is known where the call goes next', async () => {
    const dns = new SlowDns()
    const [alice, bob, voicemail] = (await Promise.all(
      ['alice', 'bob', 'voicemail'].map(name => SipUa.open(name)),
    )) as [SipUa, SipUa, SipUa]
    const ROUTE = FORKING_ROUTE.replace(
      'xlog("all failed',
      '$ru = "sip:voicemail@slow.example:@NEXT@"; t_relay();\n    xlog("all failed',
    )
    const scenario = await startScenario(B4 + ROUTE, { NEXT: voicemail.port }, dns)
    await register(bob, scenario.port)
    const invite = alice.request('INVITE', scenario.port)
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await bob.nextRequest('ACK')
    await until(() => dns.waiting === 1)
    await roundTrip(alice, scenario.port)
    expect(alice.count({ status: 486 })).toBe(0)
    dns.answer()
    voicemail.reply(await voicemail.nextRequest('INVITE'), 480, 'Temporarily Unavailable')
    await voicemail.nextRequest('ACK')
    alice.ack(invite, await alice.nextReply(480), scenario.port)
    await expectNothingLeft(scenario)
    expect(alice.count({ status: 486 })).toBe(0)
  })
})
