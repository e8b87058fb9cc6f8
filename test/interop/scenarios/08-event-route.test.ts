import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { Datagrams, startScenario, until } from './rig.ts'

/** The script of the slides, where every OPTIONS counts as a flood. */
const script = (eventRoute: string): string => `
listen=udp:127.0.0.1:@PORT@
log_stderror=yes
loadmodule "sl.so"
loadmodule "event_route.so"
loadmodule "event_datagram.so"
loadmodule "mi_datagram.so"
modparam("mi_datagram", "socket_name", "udp:127.0.0.1:@MI@")
${eventRoute}
route {
    $avp(name) = "ip";
    $avp(value) = $si;
    raise_event("E_PIKE_BLOCKED", $avp(name), $avp(value));
    sl_send_reply("200", "OK");
}
`
const EVENT_ROUTE = `
event_route [E_PIKE_BLOCKED] {
    fetch_event_params("ip=$avp(pike-ip)");
    xlog("IP $avp(pike-ip) has been blocked\\n");
}
`

describe('scenario 8: event route and fetch_event_params', () => {
  it.each([
    ['behind a queue', ''],
    ['at once, with the defaults of 2.4', 'era = 2.4\n'],
  ])('the event route runs once for each event, %s, and reads its parameter', async (_, era) => {
    const scenario = await startScenario(era + script(EVENT_ROUTE))
    const alice = await SipUa.open('alice')
    for (let times = 1; times <= 3; times++) {
      alice.request('OPTIONS', scenario.port)
      await alice.nextReply(200)
      await until(() => scenario.logged('IP 127.0.0.1 has been blocked') === times)
    }
  })

  it('with the defaults of 2.4 the route has run before the reply goes out', async () => {
    const scenario = await startScenario(
      `era = 2.4\n${script(EVENT_ROUTE).replace('sl_send_reply("200"', 'xlog("replying\\n"); sl_send_reply("200"')}`,
    )
    const alice = await SipUa.open('alice')
    const before = scenario.log.length
    alice.request('OPTIONS', scenario.port)
    await alice.nextReply(200)
    const order = scenario.log.slice(before).flatMap(line => /replying|has been blocked/.exec(line)?.[0] ?? [])
    expect(order).toEqual(['has been blocked', 'replying'])
  })

  it('the same fields are read by $param, by name and by position', async () => {
    const reading = EVENT_ROUTE.replace(/fetch.*;/, '').replace('$avp(pike-ip)', '$param(ip) or $param(1)')
    const scenario = await startScenario(script(reading))
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', scenario.port)
    await until(() => scenario.logged('IP 127.0.0.1 or 127.0.0.1 has been blocked') === 1)
  })
})

describe('scenario 9: a subscription by management that expires', () => {
  /** Calls a command over the datagram interface. */
  async function command(client: Datagrams, port: number, method: string, params: unknown): Promise<unknown> {
    client.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), port)
    return JSON.parse(await client.next()).result
  }

  it.each([
    ['', '{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"127.0.0.1"}}'],
    ['era = 2.4\n', 'E_PIKE_BLOCKED\nip::127.0.0.1\n\n'],
  ])('%j: one datagram for each event until the subscription ends by itself', async (era, payload) => {
    const scenario = await startScenario(era + script(''))
    const [client, events, alice] = [await Datagrams.open(), await Datagrams.open(), await SipUa.open('alice')]
    const flood = async (): Promise<void> => {
      alice.request('OPTIONS', scenario.port)
      await alice.nextReply(200)
    }
    const socket = `udp:127.0.0.1:${events.port}`
    expect(await command(client, scenario.miPort, 'event_subscribe', ['E_PIKE_BLOCKED', socket, 5])).toBe('OK')
    await flood()
    expect(await events.next()).toBe(payload)
    const listed = await command(client, scenario.miPort, 'subscribers_list', ['E_PIKE_BLOCKED'])
    const ttl = /"ttl":(\d+)/.exec(JSON.stringify(listed))?.[1]
    expect(Number(ttl)).toBeLessThanOrEqual(5)

    await scenario.clock.advance(6000)
    await flood()
    expect(await command(client, scenario.miPort, 'subscribers_list', ['E_PIKE_BLOCKED'])).toEqual({ Event: {} })
    expect(events.received).toHaveLength(1)
  })
})
