import { createSocket } from 'node:dgram'
import { describe, expect, it, onTestFinished } from 'vitest'
import pike from '../../../src/modules/pike/index.ts'
import { Datagrams, roundTrip, startScenario, until } from '../../interop/scenarios/rig.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { moduleRig } from '../usrloc/module-rig.ts'
import { BARE, FLOODER, flood } from './rig.ts'

const OPTIONS = `OPTIONS sip:a@b SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1
From: <sip:a@b>;tag=1
To: <sip:a@b>
Call-ID: 1
CSeq: 1 OPTIONS

`

describe('pike_check_req', () => {
  it('gives 1 below the limit, −2 where it blocks, then −1', async () => {
    const rig = moduleRig([pike])
    rig.start()
    const m = rig.context(OPTIONS)
    const verdicts = Array.from({ length: 64 }, () => rig.call(m, 'pike_check_req'))
    expect(verdicts.slice(59)).toEqual([1, 1, -2, -1, -1])
    expect(new Set(verdicts.slice(0, 61))).toEqual(new Set([1]))
    rig.stop()
    expect(rig.clock.pending).toBe(0)
  })

  it('raises E_PIKE_BLOCKED at the block and E_PIKE_UNBLOCKED at its end', async () => {
    const rig = moduleRig([pike])
    rig.start()
    const m = rig.context(OPTIONS)
    for (let i = 0; i < 100; i++) rig.call(m, 'pike_check_req')
    expect(rig.raised()).toEqual(['{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"127.0.0.1"}}'])
    await rig.clock.advance(4000)
    expect(rig.raised()).toEqual(['{"jsonrpc":"2.0","method":"E_PIKE_UNBLOCKED","params":{"ip":"127.0.0.1"}}'])
  })

  it.each([
    [-1, 'error'],
    [0, 'error'],
    [1, 'warn'],
    [4, 'debug'],
    [9, 'debug'],
    [-9, 'alert'],
  ])('with pike_log_level %i speaks at level %s', (level, name) => {
    const rig = moduleRig([pike], { params: { pike: { pike_log_level: level } } })
    const m = rig.context(OPTIONS)
    for (let i = 0; i < 62; i++) rig.call(m, 'pike_check_req')
    expect(rig.log.lines.filter(line => line.includes('BLOCKing'))).toEqual([
      expect.stringMatching(new RegExp(`^${name} PIKE - BLOCKing ip 127\\.0\\.0\\.1, node=0x[0-9a-f]+ `)),
    ])
  })

  it.each(['sampling_time_unit', 'reqs_density_per_unit', 'remove_latency'])('refuses %s 0', name => {
    expect(() => moduleRig([pike], { params: { pike: { [name]: 0 } } })).toThrow(`${name}: expected at least 1`)
  })

  it('knows IPv6 sources by their usual text', async () => {
    const script = BARE.replace('listen=udp:127.0.0.1:@PORT@', 'socket=udp:[::1]:@PORT@')
    const { proxy, port, stop, log } = await startProxy(script, { ownSockets: true })
    onTestFinished(stop)
    const socket = createSocket('udp6')
    let answers = 0
    socket.on('message', () => void answers++)
    await new Promise<void>(resolve => void socket.bind(0, '::1', resolve))
    onTestFinished(() => new Promise<void>(resolve => void socket.close(() => resolve())))
    const via = `Via: SIP/2.0/UDP [::1]:${socket.address().port};branch=z9hG4bK`
    const dropped = (): number => log.filter(line => line.includes('drop ::1')).length
    for (let i = 1; i <= 100; i++) {
      socket.send(OPTIONS.replace(/Via.*/, via + i).replaceAll('\n', '\r\n'), port, '::1')
      await until(() => answers + dropped() >= i)
    }
    expect([answers, dropped()]).toEqual([30 + 14 + 29, 100 - 73])
    expect(await proxy.host.mi.call('pike:list')).toEqual({ IPs: ['::1'] })
    expect(await proxy.host.mi.call('pike:rm', { ip: '0:0::0:1' })).toBe('OK')
  })
})

describe('check_route', () => {
  const SCRIPT = `
listen=udp:127.0.0.1:@PORT@
loadmodule "sl.so"
loadmodule "pike.so"
modparam("pike", "check_route", "exempt")
route { xlog("main $avp(seen) $si\\n"); sl_send_reply(200, "OK"); }
route[exempt] {
    $avp(seen) = "checked";
    if ($ua == "friend") drop;
    xlog("counted $si\\n");
}
`
  async function start(script = SCRIPT) {
    const scenario = await startScenario(script)
    const flooder = await SipUa.open('flooder', 'udp', FLOODER)
    return { scenario, flooder, counted: () => scenario.logged('counted') }
  }

  it('counts every request and drops those of a blocked source silently, without a call in the script', async () => {
    const { scenario, flooder, counted } = await start()
    await flood(flooder, scenario, 200, counted)
    const alice = await SipUa.open('alice')
    await roundTrip(alice, scenario.port)
    expect(flooder.count({ status: 200 })).toBe(61)
    expect([scenario.logged('main checked'), scenario.logged('PIKE - BLOCKing')]).toEqual([61, 1])
  })

  it('exempts what it drops: that is neither counted nor blocked', async () => {
    const { scenario, flooder, counted } = await start()
    for (let i = 1; i <= 100; i++) {
      flooder.request('OPTIONS', scenario.port, { headers: 'User-Agent: friend\r\n' })
      await until(() => flooder.count({ status: 200 }) >= i)
    }
    expect(counted()).toBe(0)
    await flood(flooder, scenario, 100, counted)
    flooder.request('OPTIONS', scenario.port, { headers: 'User-Agent: friend\r\n' })
    await until(() => flooder.count({ status: 200 }) >= 162)
  })

  it('counts replies and faulty requests too', async () => {
    const { scenario } = await start()
    const peer = await Datagrams.open()
    const reply = OPTIONS.replace(/^.*/, 'SIP/2.0 200 OK').replaceAll('\n', '\r\n')
    const faulty = OPTIONS.replace('CSeq: 1 OPTIONS', 'CSeq: 1 INVITE').replaceAll('\n', '\r\n')
    for (let i = 0; i < 40; i++) {
      peer.send(reply, scenario.port)
      peer.send(faulty, scenario.port)
    }
    await until(() => scenario.logged('counted') >= 80)
    expect(scenario.logged('PIKE - BLOCKing ip 127.0.0.1')).toBe(1)
  })

  it('that waits exempts nothing and is complained about once', async () => {
    const { scenario, flooder } = await start(
      SCRIPT.replace('if ($ua', 'usleep(1); if ($ua').replace(
        'loadmodule "sl.so"',
        'loadmodule "sl.so"\nloadmodule "cfgutils.so"',
      ),
    )
    for (let i = 1; i <= 3; i++) {
      flooder.request('OPTIONS', scenario.port, { headers: 'User-Agent: friend\r\n' })
      await flooder.nextReply(200)
    }
    expect(scenario.logged('check_route waits')).toBe(1)
  })

  it('that does not exist is an error when the script is loaded', async () => {
    await expect(startProxy(SCRIPT.replace('"exempt"', '"nowhere"'))).rejects.toThrow('no route[nowhere]')
  })
})
