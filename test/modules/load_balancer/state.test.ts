import { describe, expect, it } from 'vitest'
import type { Balancer } from '../../../src/modules/load_balancer/balancer.ts'
import { Destination } from '../../../src/modules/load_balancer/destination.ts'
import { CapacityWatch } from '../../../src/modules/load_balancer/freeswitch.ts'
import {
  type FreeSwitchState,
  freeSwitchCapacity,
  parseResources,
} from '../../../src/modules/load_balancer/resource.ts'
import { until } from '../../interop/scenarios/rig.ts'
import { recordedCall, recordedEvents } from '../../support/recorded.ts'
import { gateways } from '../../support/table-proxy.ts'
import { balancer, destinations } from './rig.ts'

const RECORDED = [
  { id: 1, group_id: 1, dst_uri: 'sip:127.0.0.1:5073', resources: 'pstn=10;voicemail=2', probe_mode: 2 },
  { id: 2, group_id: 1, dst_uri: 'sip:127.0.0.1:5074', resources: 'pstn=12', probe_mode: 2 },
]

describe('management', () => {
  it.each([
    'lb_list',
    'lb_resize_1_nope_10',
    'lb_resize_1_pstn_10',
    'lb_resize_9_pstn_10',
    'lb_status_1',
    'lb_status_1_0',
  ])('%s answers as recorded', async name => {
    const { mi, raised } = await balancer({ rows: RECORDED, params: { probing_interval: 0 } })
    const { method, params, answer, events } = recordedCall(`lbdr/${name}`)
    const called = mi(method, params)
    if (answer.error === undefined) expect(await called).toEqual(answer.result)
    else await expect(called).rejects.toMatchObject(answer.error)
    expect(raised()).toEqual(events)
  })

  it('lb_status 1 1 enables what was disabled, as recorded', async () => {
    const { mi, raised } = await balancer({ rows: RECORDED, params: { probing_interval: 0 } })
    await mi('lb_status', ['1', '0'])
    raised()
    const { method, params, answer, events } = recordedCall('lbdr/lb_status_1_1')
    expect(await mi(method, params)).toEqual(answer.result)
    expect(raised()).toEqual(events)
  })

  it('attributes are listed; what is disabled by management does not come back by itself', async () => {
    const { mi } = await balancer({ rows: [{ ...RECORDED[1], attrs: 'gold' }] })
    await mi('lb_status', { destination_id: 2, new_status: 0 })
    expect(await mi('load_balancer:list')).toEqual({
      Destinations: [
        {
          uri: 'sip:127.0.0.1:5074',
          id: 2,
          group: 1,
          enabled: 'no',
          'auto-reenable': 'off',
          Resources: [{ name: 'pstn', max: 12, load: 0 }],
          attrs: 'gold',
        },
      ],
    })
  })

  it('a reload keeps states, and a table that cannot be read changes nothing', async () => {
    const { mi, write } = await balancer({ rows: RECORDED, params: { probing_interval: 0 } })
    await mi('lb_status', { destination_id: 1, new_status: 0 })
    write('load_balancer', destinations([{ ...RECORDED[0], resources: 'fax=1' }]))
    await mi('db_text:reload')
    expect(await mi('lb_reload')).toBe('OK')
    expect(await mi('lb_list')).toMatchObject({
      Destinations: [{ id: 1, enabled: 'no', Resources: [{ name: 'fax' }] }],
    })
    write('load_balancer', 'id(int,auto) dst_uri(string)\nx:y\n')
    await mi('db_text:reload').catch(() => {})
    write('load_balancer', 'id(int,auto) dst_uri(string)\n1:sip\\:127.0.0.1\n')
    await mi('db_text:reload')
    await expect(mi('lb_reload')).rejects.toMatchObject({ code: 500, data: expect.stringContaining('resources') })
    expect(await mi('lb_list')).toMatchObject({ Destinations: [{ id: 1, Resources: [{ name: 'fax' }] }] })
  })
})

describe('the table', () => {
  it('rows that are wrong are left out, named with table, row and column; the others are used', async () => {
    const rows = [
      { id: 1, group_id: 1, dst_uri: 'nonsense', resources: 'a=1' },
      { id: 2, group_id: 1, dst_uri: 'sip:127.0.0.1:2', resources: 'a=x' },
      { id: 3, group_id: 1, dst_uri: 'sip:127.0.0.1:3', resources: '' },
      { id: 4, group_id: 1, dst_uri: 'sip:127.0.0.1:4', resources: 'a=1;a=2' },
      { id: 5, group_id: 1, dst_uri: 'sip:127.0.0.1:5', resources: 'a=1', probe_mode: 3 },
      { id: 6, group_id: 1, dst_uri: 'sip:127.0.0.1:6', resources: 'a=1' },
      { id: 6, group_id: 1, dst_uri: 'sip:127.0.0.1:7', resources: 'a=1' },
    ]
    const { loads, log } = await balancer({ rows })
    expect(await loads()).toEqual(['6: a 0/1'])
    const faults = log.filter(line => line.includes('a row of a table is left out'))
    expect(faults.map(line => /row=(\d+) id=(\d+) column=(\w+)/.exec(line)?.slice(1).join(' '))).toEqual([
      '1 1 dst_uri',
      '2 2 resources',
      '3 3 resources',
      '4 4 resources',
      '5 5 probe_mode',
      '7 6 id',
    ])
  })

  it.each(['a=1', 'a = 1; b=fs://:pw@host', ' a=1 ;; b=2 '])('resources "%s" can be read', text => {
    expect(parseResources(text, 1000).length).toBeGreaterThan(0)
  })
  it.each(['', 'a', 'a=', 'a=-1', 'a=1;a=2', '=1', 'a=fs://'])('resources "%s" cannot', text => {
    expect(() => parseResources(text, 1000)).toThrow()
  })

  it.each([
    [{ idleCpu: 100, sessions: 10, maxSessions: 100 }, 10, 100],
    [{ idleCpu: 50, sessions: 30, maxSessions: 100 }, 10, 40],
    [{ idleCpu: 33.3, sessions: 0, maxSessions: 10 }, 0, 3],
    [{ idleCpu: 50, sessions: 100, maxSessions: 100 }, 100, 50],
  ])('FreeSWITCH state %j with %i calls of ours holds %i', (state, own, expected) => {
    expect(freeSwitchCapacity(state, own)).toBe(expected)
  })
})

describe('FreeSWITCH', () => {
  it('a resource has its initial capacity until a heartbeat, then what the server says; a reload ends the watch', async () => {
    const watched = new Map<string, (state: FreeSwitchState) => void>()
    const api = {
      watch: (url: string, onHeartbeat: (state: FreeSwitchState) => void) => {
        watched.set(url, onHeartbeat)
        return () => void watched.delete(url)
      },
    }
    const resources = parseResources('channels=fs://:pw@host;fax=2', 1000)
    const data = { id: 1, group: 1, uri: 'sip:host', resources, probeMode: 0, attrs: null } as const
    const watch = new CapacityWatch(api, { load: () => 10 } as unknown as Balancer)
    watch.follow([new Destination(data)])
    expect(resources.map(({ max }) => max)).toEqual([1000, 2])
    watched.get('fs://:pw@host')?.({ idleCpu: 50, sessions: 30, maxSessions: 100 })
    expect(resources.map(({ max }) => max)).toEqual([40, 2])
    watch.follow([])
    expect(watched.size).toBe(0)
  })

  it('without its module the capacity stays, with a warning', async () => {
    const { loads, logged } = await balancer({
      rows: [{ id: 1, group_id: 1, dst_uri: 'sip:10.0.0.1', resources: 'channels=fs://:pw@host' }],
      params: { initial_freeswitch_load: 7 },
    })
    expect(await loads()).toEqual(['1: channels 0/7'])
    expect(logged('capacities of FreeSWITCH stay as they are')).toBe(1)
  })
})

describe('probing', () => {
  it('disables what does not answer and enables it again, as recorded; others are not asked', async () => {
    const [g1, g2, g3] = await gateways('g1', 'g2', 'g3')
    const at = (id: number, uri: string, probe_mode: number) => ({
      id,
      group_id: 1,
      dst_uri: uri,
      resources: 'a=1',
      probe_mode,
    })
    const { clock, raised } = await balancer({
      rows: [at(1, g1?.address ?? '', 2), at(2, g2?.address ?? '', 1), at(3, g3?.address ?? '', 0)],
      params: { probing_from: 'sip:me@127.0.0.1' },
    })
    await clock.advance(2000)
    const probe = await g1?.nextRequest('OPTIONS')
    expect(probe?.from?.uri).toBe('sip:me@127.0.0.1')
    await clock.advance(1500)
    const seen: string[] = []
    const collect = () => {
      seen.push(...raised().filter(event => event.includes('BALANCER')))
      return seen.length
    }
    await until(() => collect() > 0)
    await clock.advance(500)
    // The first one was repeated.
    let again = await g1?.nextRequest('OPTIONS')
    while (again?.callId === probe?.callId) again = await g1?.nextRequest('OPTIONS')
    if (again !== undefined) g1?.reply(again, 200, 'OK')
    await until(() => collect() > 1)
    const recorded = [...recordedEvents('lbdr/probing_down'), ...recordedEvents('lbdr/probing_up')]
    expect(seen).toEqual(
      recorded
        .filter(event => event.includes('BALANCER'))
        .map(event => event.replace('sip:127.0.0.1:5073', g1?.address ?? '')),
    )
    expect([g2?.received.length, g3?.received.length]).toEqual([0, 0])
  })

  it('mode 1 asks only while a script has disabled it; listed codes enable', async () => {
    const [g1] = await gateways('g1')
    const { clock, phone, port, mi } = await balancer({
      rows: [{ id: 1, group_id: 1, dst_uri: g1?.address ?? '', resources: 'a=1', probe_mode: 1 }],
      params: { probing_reply_codes: '404,501', probing_verbose: 1 },
      route: 'lb_start(1, "a"); lb_disable_dst(); send_reply(299, "x");',
    })
    phone.request('INVITE', port)
    await phone.nextReply(299)
    expect(await mi('lb_status', { destination_id: 1 })).toEqual({ enable: 'no' })
    await clock.advance(2000)
    const probe = await g1?.nextRequest('OPTIONS')
    if (probe !== undefined) g1?.reply(probe, 501, 'No')
    let state: unknown
    for (let i = 0; i < 1000 && JSON.stringify(state) !== '{"enable":"yes"}'; i++) {
      await new Promise(resolve => setImmediate(resolve))
      state = await mi('lb_status', { destination_id: 1 })
    }
    expect(state).toEqual({ enable: 'yes' })
  })
})

describe('lb_define_blacklist', () => {
  it('nothing is sent to the addresses of its groups', async () => {
    const [g1] = await gateways('g1')
    const { phone, port } = await balancer({
      rows: [{ id: 1, group_id: 4, dst_uri: g1?.address ?? '', resources: 'a=1' }],
      params: { lb_define_blacklist: ['mine = 4, 5'] },
      route: `use_blacklist("mine"); $du = "${g1?.address}"; t_relay();`,
    })
    phone.request('INVITE', port)
    await phone.nextReply(473)
    expect(g1?.received).toEqual([])
  })
})
