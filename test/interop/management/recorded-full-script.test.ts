import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonRpc } from '../../../src/events/json-rpc.ts'
import { modules } from '../../../src/main.ts'
import type { ModuleSpec } from '../../../src/module/define.ts'
import { UdpClient } from '../../mi/doors/udp-client.ts'
import { golden } from '../../mi/golden.ts'
import { freePort } from '../../support/ports.ts'
import { recordedCall, recordedEvents } from '../../support/recorded.ts'
import { type ProxyUnderTest, startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { sqliteTables } from '../../support/sqlite-tables.ts'
import { until } from '../../support/until.ts'
import { recordedScript } from '../events/recorded-script.ts'

/*
 * The script by which most modules of OpenSIPS 4.0.1 were recorded, as it is but for its ports and paths, with a second node
 * beside it: what it is asked and what happens to it leads to the recorded answers and events.
 */

const tables = modules.flatMap(({ spec }) => (spec as ModuleSpec).tables ?? [])
const ROWS: Readonly<Record<string, readonly Record<string, string | number>[]>> = {
  load_balancer: [
    { group_id: 1, dst_uri: 'sip:127.0.0.1:5073', resources: 'pstn=32;voicemail=2', probe_mode: 1 },
    { group_id: 1, dst_uri: 'sip:127.0.0.1:5074', resources: 'pstn=12', probe_mode: 1 },
  ],
}

let proxy: ProxyUnderTest
let second: ProxyUnderTest
let mi: UdpClient
const folder = mkdtempSync(join(tmpdir(), 'fanfare-test-'))
const events: string[] = []
let ports: { readonly datagram: number; readonly bin: readonly [number, number] }

const SECOND_NODE = `
socket=bin:127.0.0.1:@OWN@
loadmodule "sl.so"
loadmodule "proto_bin.so"
loadmodule "clusterer.so"
modparam("clusterer", "db_mode", 0)
modparam("clusterer", "my_node_id", 2)
modparam("clusterer", "my_node_info", "cluster_id=1,url=bin:127.0.0.1:@OWN@")
modparam("clusterer", "neighbor_node_info", "cluster_id=1,node_id=1,url=bin:127.0.0.1:@OTHER@")
modparam("clusterer", "sharing_tag", "vip/1=backup")
route { cluster_send_req(1, 1, "ping from 2", $var(tag)); sl_send_reply(200, "OK"); }
`

beforeAll(async () => {
  ports = { datagram: await freePort(), bin: [await freePort(), await freePort()] }
  const [own, other] = ports.bin
  const url = await sqliteTables(
    folder,
    tables.map(spec => [spec, ROWS[spec.name] ?? []]),
  )
  const script = recordedScript('events/full.cfg', [
    ['sqlite://@DIR@/os.db', url],
    ['udp:127.0.0.1:8077', `udp:127.0.0.1:${ports.datagram}`],
    ['"port",8888', `"port",${await freePort()}`],
    ['url=bin:127.0.0.1:5555', `url=bin:127.0.0.1:${own}`],
    ['url=bin:127.0.0.1:5556', `url=bin:127.0.0.1:${other}`],
    ['loadmodule "signaling.so"', `socket=bin:127.0.0.1:${own}\nloadmodule "signaling.so"`],
    // These are left out of the scripts of other recordings.
    [/$/g, '\nloadmodule "cfgutils.so"\n'],
  ])
  proxy = await startProxy(script)
  const { bus } = proxy.proxy.host
  bus.tail((event, subscription) => {
    if (subscription === null) events.push(jsonRpc.encode(event).toString())
  })
  mi = new UdpClient(`127.0.0.1:${ports.datagram}`)
  second = await startProxy(SECOND_NODE.replaceAll('@OWN@', String(other)).replaceAll('@OTHER@', String(own)))
}, 60_000)
afterAll(async () => {
  mi?.close()
  for (const one of [second, proxy]) {
    await one?.proxy.stop(AbortSignal.abort())
    await one?.stop()
  }
  rmSync(folder, { recursive: true, force: true })
})

/** What was recorded, with the ports of this run. */
const here = (text: string): string =>
  text.replaceAll('bin:127.0.0.1:5555', `bin:127.0.0.1:${ports.bin[0]}`).replaceAll('5556', String(ports.bin[1]))
const raised = async (event: string): Promise<void> => until(() => events.includes(event))
const recordedAnswer = (name: string): string => here(golden(`${name}.out`).toString('utf8').trim())

describe('the full script of the recordings', () => {
  it('hears the second node come', async () => {
    await raised(recordedEvents('clusterer/node_up')[0]!)
    await until(() => second.proxy.host.stats.find('clusterer_nodes_up')?.read() === 1)
  })

  it.each(['clusterer_list', 'clusterer_list_cap', 'clusterer_list_shtags', 'clusterer_list_topology'])(
    'answers %s with two nodes as recorded',
    async name => {
      const { method, answer } = recordedCall(`clusterer/mi_${name}`)
      const request = JSON.stringify({ jsonrpc: '2.0', method, id: 1 })
      expect(await mi.ask(request)).toBe(here(JSON.stringify(answer)))
    },
  )

  it('raises the recorded event for a message of the other node', async () => {
    const phone = await SipUa.open('phone')
    phone.request('OPTIONS', second.port)
    await phone.nextReply(200)
    const [wanted = ''] = recordedEvents('clusterer/req_received')
    const untagged = (event: string): string => event.replace(/"tag":"1-2-[^"]{24}"/, '"tag":"*"')
    await until(() => events.map(untagged).includes(untagged(wanted)))
  })

  it('raises the recorded event when a tag is taken back', async () => {
    await second.proxy.host.mi.call('clusterer_shtag_set_active', ['vip/1'])
    await until(() => events.some(event => event.includes('"state":"backup"')))
    const { method, params, answer } = recordedCall('clusterer/shtag_taken_back')
    const request = JSON.stringify({ jsonrpc: '2.0', method, id: 1, params })
    expect(await mi.ask(request)).toBe(JSON.stringify(answer))
    await raised(recordedEvents('clusterer/shtag_taken_back')[0]!)
  })

  it.each([
    'cache_store',
    'cache_remove',
    'clusterer_list_shtags',
    'dlg_list',
    'dlg_end_dlg_bad',
    'ds_reload',
    'ds_set_state_bad',
    'fs_reload',
    'fs_subscribe',
    'lb_resize',
    'lb_reload',
    'profile_get_size',
    'profile_get_size_bad',
    'reload_routes',
  ])('answers %s as recorded', async name => {
    expect(await mi.ask(golden(`mi/${name}.datagram.req`))).toBe(recordedAnswer(`mi/${name}.datagram`))
  })

  it('tells that a destination of the load balancer is disabled, as recorded', async () => {
    await proxy.proxy.host.mi.call('lb_status', ['1', '0'])
    expect(await mi.ask(golden('mi/lb_status.datagram.req'))).toBe(recordedAnswer('mi/lb_status.datagram'))
  })

  it('refuses show_fraud_stats without parameters as recorded', async () => {
    const request = '{"jsonrpc":"2.0","method":"show_fraud_stats","id":1}'
    expect(await mi.ask(request)).toBe(recordedAnswer('fraud/show_stats'))
  })

  it('knows the flat names that 4.0 forgot', async () => {
    const { method, params, answer } = recordedCall('rtpproxy/mi_rtpproxy_enable')
    expect(answer.error?.message).toBe('Method not found')
    expect(await mi.ask(JSON.stringify({ jsonrpc: '2.0', method, id: 1, params }))).toContain('"result":"OK"')
    expect(await mi.ask('{"jsonrpc":"2.0","method":"pike_list","id":1}')).toContain('"result"')
  })

  it('answers a PUBLISH as recorded and raises the recorded event', async () => {
    const [request = '', reply = ''] = golden('presence/publish.req').toString('latin1').split('\n--- reply ---\n')
    const phone = await SipUa.open('alice')
    phone.send(request.replace('127.0.0.1:34209', `127.0.0.1:${phone.port}`).replace(/(?<!\r)\n/g, '\r\n'), proxy.port)
    const answer = (await phone.nextReply(200)).bytes.toString('latin1')
    const shape = (text: string): string[] =>
      text
        .split(/\r?\n/)
        .filter(line => !/^(?:Via|Server):|^$/.test(line))
        .map(line => line.replace(/(?<=;tag=|SIP-ETag: ).*/, '*'))
        .toSorted()
    expect(shape(answer)).toEqual(shape(reply))
    const untagged = (event: string): string => event.replace(/"etag":"[^"]+"/, '"etag":"*"')
    const [wanted = ''] = recordedEvents('presence/publish')
    await until(() => events.some(event => event.includes('E_PRESENCE_PUBLISH')))
    expect(events.filter(event => event.includes('E_PRESENCE_PUBLISH')).map(untagged)).toEqual([untagged(wanted)])
  })

  it('tells of what management cannot read, as recorded', async () => {
    await mi.ask('not json')
    const [wanted = ''] = recordedEvents('core/core_log_module')
    const { level, module } = JSON.parse(wanted).params
    await until(() =>
      events.some(event => {
        const { method, params } = JSON.parse(event)
        return method === 'E_CORE_LOG' && params.level === level && params.module === module
      }),
    )
  })
})
