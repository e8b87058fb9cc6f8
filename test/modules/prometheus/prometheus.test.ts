import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'

async function running(params = ''): Promise<{ proxy: ProxyUnderTest; scrape: () => Promise<string> }> {
  const http = await freePort()
  const proxy = await startProxy(`
loadmodule "httpd.so"
loadmodule "prometheus.so"
loadmodule "sl.so"
loadmodule "event_flatstore.so"
loadmodule "event_datagram.so"
loadmodule "event_virtual.so"
modparam("httpd", "port", ${http})
${params}
startup_route {
    subscribe_event("E_CALL", "flatstore:@DIR@/calls");
    subscribe_event("E_CALL", "udp:127.0.0.1:9", , "aor=bob");
    subscribe_event("E_WAY", "virtual:FAILOVER unix:@DIR@/none.sock (ROUND-ROBIN udp:127.0.0.1:9 udp:127.0.0.1:7)");
}
route { sl_send_reply(200, "OK"); }
`)
  onTestFinished(() => proxy.stop())
  const scrape = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${http}/metrics`)
    expect(response.headers.get('content-type')).toContain('text/plain')
    return response.text()
  }
  return { proxy, scrape }
}

/** Value of the sample whose labels hold all of these texts; undefined when there is none. */
function sample(text: string, name: string, ...labels: string[]): number | undefined {
  const line = text
    .split('\n')
    .find(one => new RegExp(`^${name}[{ ]`).test(one) && labels.every(label => one.includes(label)))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
}

describe('the prometheus page', () => {
  it('counts what became of events, by event, subscription and transport', async () => {
    const { proxy, scrape } = await running()
    const raise = (aor: string) => proxy.proxy.host.mi.call('evi:raise', { event: 'E_CALL', params: { aor } })
    for (const aor of ['alice', 'bob', 'carol']) await raise(aor)
    const delivered = 'fanfare_events_delivered_total'
    await expect
      .poll(async () => sample(await scrape(), delivered, 'transport="flatstore"'), { timeout: 15_000 })
      .toBe(3)
    const text = await scrape()
    expect(sample(text, 'fanfare_events_raised_total', 'event="E_CALL"', 'transport="flatstore"')).toBe(3)
    expect(sample(text, 'fanfare_events_raised_total', 'transport="udp"')).toBe(1)
    expect(sample(text, 'fanfare_events_dropped_total', 'transport="flatstore"', 'reason="overflow"')).toBe(0)
    expect(sample(text, 'fanfare_event_queue_length', 'transport="flatstore"')).toBe(0)
    expect(sample(text, 'fanfare_subscription_up', 'transport="flatstore"')).toBe(1)
    expect(sample(text, 'fanfare_event_delivery_seconds_count', 'transport="flatstore"')).toBe(3)
    expect(sample(text, 'fanfare_event_delivery_seconds_bucket', 'transport="flatstore"', 'le="3600"')).toBe(3)
  })

  it('shows the breaker of each child of a virtual socket, and so does the list of subscribers', async () => {
    const { proxy, scrape } = await running()
    const mi = (command: string, params: object) => proxy.proxy.host.mi.call(command, params)
    await mi('evi:raise', { event: 'E_WAY' })
    const listed = () => mi('subscribers_list', { event: 'E_WAY' })
    await expect.poll(listed, { timeout: 15_000 }).toMatchObject({
      Event: {
        Subscribers: [
          {
            delivered: 1,
            children: [
              { socket: `unix:${proxy.folder}/none.sock`, breaker: 'open' },
              {
                socket: 'virtual:ROUND-ROBIN udp:127.0.0.1:9 udp:127.0.0.1:7',
                breaker: 'closed',
                children: [
                  { socket: 'udp:127.0.0.1:9', health: 'up', breaker: 'closed' },
                  { socket: 'udp:127.0.0.1:7', health: 'up', breaker: 'closed' },
                ],
              },
            ],
          },
        ],
      },
    })
    const text = await scrape()
    const breaker = (child: string, state: string) =>
      sample(text, 'fanfare_breaker_state', `child="${child}"`, `state="${state}"`, 'event="E_WAY"')
    expect(['closed', 'open', 'half-open'].map(state => breaker(`unix:${proxy.folder}/none.sock`, state))).toEqual([
      0, 1, 0,
    ])
    expect(['closed', 'open', 'half-open'].map(state => breaker('udp:127.0.0.1:7', state))).toEqual([1, 0, 0])
  })

  it('counts attempts that failed and dead letters', async () => {
    const { proxy, scrape } = await running()
    const { mi, bus } = proxy.proxy.host
    await mi.call('evi:raise', { event: 'E_CALL', params: { aor: 'bob', text: 'x'.repeat(70_000) } })
    await Promise.all(bus.subscriptions().map(one => one.whenIdle()))
    const text = await scrape()
    const of = (name: string) => sample(text, `fanfare_events_${name}_total`, 'transport="udp"', 'event="E_CALL"')
    expect(['raised', 'failed', 'dead_lettered', 'retried', 'delivered'].map(of)).toEqual([1, 1, 1, 0, 0])
    expect(sample(text, 'fanfare_event_oldest_seconds', 'transport="udp"')).toBe(0)
  })

  it('adds up subscriptions to one socket that differ in their filters', async () => {
    const { proxy, scrape } = await running()
    const { mi, bus } = proxy.proxy.host
    await mi.call('evi:subscribe', { event: 'E_CALL', socket: 'udp:127.0.0.1:9', filter: 'aor=carol' })
    for (const aor of ['bob', 'carol', 'carol']) await mi.call('evi:raise', { event: 'E_CALL', params: { aor } })
    await Promise.all(bus.subscriptions().map(one => one.whenIdle()))
    expect(sample(await scrape(), 'fanfare_events_delivered_total', 'subscription="udp:127.0.0.1:9"')).toBe(3)
  })

  it('shows statistics under the prefix, with what they count now', async () => {
    const { proxy, scrape } = await running()
    const before = sample(await scrape(), 'opensips_rcv_requests') ?? 0
    const phone = await SipUa.open('phone')
    phone.request('OPTIONS', proxy.port)
    await phone.nextReply(200)
    const text = await scrape()
    expect(sample(text, 'opensips_rcv_requests')).toBe(before + 1)
    expect(text).toMatch(/^# TYPE opensips_rcv_requests counter$/m)
  })

  it('puts the group of a statistic into the name or a label, and shows only what is asked for', async () => {
    const named = await running(
      'modparam("prometheus", "group_mode", 1)\nmodparam("prometheus", "statistics", "core: sl:sent_replies")',
    )
    const text = await named.scrape()
    expect(sample(text, 'opensips_core_rcv_requests')).toBeDefined()
    expect(sample(text, 'opensips_sl_sent_replies')).toBeDefined()
    expect(text).not.toContain('opensips_net_')
    const labelled = await running('modparam("prometheus", "group_mode", 2)\nmodparam("prometheus", "prefix", "sip")')
    expect(sample(await labelled.scrape(), 'sip_rcv_requests', 'group="core"')).toBeDefined()
  })

  it('is refused with a group mode that there is not', async () => {
    await expect(
      startProxy(
        'loadmodule "httpd.so"\nloadmodule "prometheus.so"\nmodparam("prometheus", "group_mode", 3)\nroute { exit; }',
      ),
    ).rejects.toThrow('group_mode is 0, 1 or 2, not 3')
  })
})
