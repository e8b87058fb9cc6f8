import { createSocket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answerByes, Call, callRig } from '../dialog/call-rig.ts'

/** A consumer on a loopback port, with what it has got. */
async function consumer() {
  const socket = createSocket('udp4')
  const got: string[] = []
  socket.on('message', bytes => void got.push(bytes.toString()))
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>(resolve => socket.close(() => resolve())))
  return { port: (socket.address() as AddressInfo).port, got }
}

const MODULES = 'loadmodule "event_datagram.so"\nloadmodule "event_flatstore.so"\nloadmodule "event_virtual.so"'

describe('CDRs for several consumers', () => {
  it('reach each of them once for each call, in the recorded form', async () => {
    const { port, got } = await consumer()
    const rig = await callRig({
      head: MODULES,
      invite: 'do_accounting("evi", "cdr");',
      routes: `startup_route {
        subscribe_event("E_ACC_CDR", "virtual:PARALLEL udp:127.0.0.1:${port}  flatstore:@DIR@/cdr.events");
      }`,
    })
    for (const name of ['s1', 's2', 's3']) await (await new Call(rig, name).establish()).hangUp()
    const file = `${rig.proxy.folder}/cdr.events`
    const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [])
    await rig.until('three records each', () => got.length === 3 && lines().length === 3)
    expect(got[0]).toMatch(
      /^\{"jsonrpc":"2\.0","method":"E_ACC_CDR","params":\{"method":"INVITE","from_tag":"s1-a","to_tag":"s1-b","callid":"s1","sip_code":"200","sip_reason":"OK","time":\d+,"duration":\d,"ms_duration":\d+,"setuptime":\d,"created":\d+\}\}$/,
    )
    expect(lines()[2]).toMatch(/^E_ACC_CDR,INVITE,s3-a,s3-b,s3,200,OK,\d+,\d,\d+,\d,\d+$/)
  })

  it('go to the second when the first is not there', async () => {
    const rig = await callRig({
      head: MODULES,
      invite: 'do_accounting("evi", "cdr|missed");',
      routes: `startup_route {
        subscribe_event("E_ACC_CDR", "virtual:FAILOVER unix:@DIR@/nobody flatstore:@DIR@/cdr.events");
      }`,
    })
    await (await new Call(rig, 'over').establish()).hangUp()
    const file = `${rig.proxy.folder}/cdr.events`
    await rig.until('the record', () => existsSync(file) && readFileSync(file, 'utf8').includes('\n'))
    expect(readFileSync(file, 'utf8')).toMatch(/^E_ACC_CDR,INVITE,over-a,over-b,over,200,OK,/)
  })
})

describe('the events of a dialog', () => {
  it('reach a consumer in order, from ringing to the end by its lifetime', async () => {
    const { port, got } = await consumer()
    const rig = await callRig({
      head: MODULES,
      invite: 'create_dialog("bye-on-timeout"); $DLG_timeout = 1; do_accounting("evi", "cdr");',
      routes: `startup_route {
        subscribe_event("E_DLG_STATE_CHANGED", "udp:127.0.0.1:${port}");
        subscribe_event("E_ACC_CDR", "udp:127.0.0.1:${port}");
      }`,
    })
    await new Call(rig, 'd1').establish()
    await answerByes(rig)
    await rig.until('all of them', () => got.length === 5)
    const params = got.map(text => (JSON.parse(text) as { params: Record<string, unknown> }).params)
    expect(params.slice(0, 4).map(({ old_state, new_state }) => [old_state, new_state])).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ])
    expect(got[0]).toMatch(
      /^\{"jsonrpc":"2\.0","method":"E_DLG_STATE_CHANGED","params":\{"id":"[0-9a-f]+\.[0-9a-f]+","db_id":"\d+","callid":"d1","from_tag":"d1-a","to_tag":"d1-b","old_state":1,"new_state":2\}\}$/,
    )
    expect(params[4]).toMatchObject({ callid: 'd1', sip_code: '200' })
    expect(Number(params[4]?.['duration'])).toBeGreaterThanOrEqual(1)
  })
})

describe('a call given up', () => {
  it('is told to a consumer of missed calls, in the recorded order of fields', async () => {
    const { port, got } = await consumer()
    const rig = await callRig({
      head: MODULES,
      invite: 'do_accounting("log|evi", "missed");',
      routes: `startup_route { subscribe_event("E_ACC_MISSED_EVENT", "udp:127.0.0.1:${port}"); }`,
    })
    const call = await (await new Call(rig, 'g1').begin()).ring()
    rig.alice.cancel(call.invite, rig.proxy.port)
    rig.bob.reply(await rig.bob.nextRequest('CANCEL'), 200, 'OK')
    rig.bob.reply(call.arrived, 487, 'Request Terminated', { toTag: 'g1-b' })
    await rig.until('the event', () => got.length === 1)
    expect(got[0]).toMatch(
      /"params":\{"method":"INVITE","from_tag":"g1-a","to_tag":"g1-b","callid":"g1","sip_code":"487","sip_reason":"Request Terminated","time":\d+,"setuptime":\d,"created":\d+\}\}$/,
    )
  })
})
