import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { udpPeer } from '../../conformance/datagram-peers.ts'
import { eventRig } from './event-rig.ts'

/* raise_event in every form of both eras: event reference §1.6, and examples 1, 7 and 8 of its §7. */

const V = '$avp(v) = 3; $avp(v) = 5;'
const N = '$avp(n) = "a"; $avp(n) = "b";'

/** The script that raises as given when it gets a request and replies 500 where that fails. */
const raising = (statements: string): string => `
startup_route { subscribe_event("E_MY_EVENT", "@UDP@"); }
route { ${statements} sl_send_reply(200, "OK"); }
`
const orFail = (call: string): string => `if (!${call}) { sl_send_reply(500, "not raised"); exit; }`

describe('raise_event', () => {
  it.each([
    ['raise_event("E_MY_EVENT")', ''],
    ['raise_event("E_MY_EVENT", , $avp(v))', ',"params":[5,3]'],
    ['raise_event("E_MY_EVENT", $avp(n), $avp(v))', ',"params":{"b":5,"a":3}'],
    ['raise_event("E_MY_EVENT", $avp(n))', ''],
    ['raise_event("E_MY_EVENT", $avp(none), $avp(none))', ''],
    ['raise_event("E_MY_EVENT", , $avp(none))', ''],
    // The event may come out of a variable.
    ['raise_event("$var(e)", , $avp(v))', ',"params":[5,3]'],
    ['raise_event($var(e))', ''],
  ])('%s', async (call, params) => {
    const rig = await eventRig(raising(`${N} ${V} $var(e) = "E_MY_EVENT"; ${orFail(call)}`))
    expect(await rig.request()).toBe(200)
    expect(await rig.payloads(1)).toEqual([`{"jsonrpc":"2.0","method":"E_MY_EVENT"${params}}`])
  })

  it.each([
    ['raise_event("E_MY_EVENT")', ''],
    // A lone second argument holds the values.
    ['raise_event("E_MY_EVENT", "$avp(v)")', '5\n3\n'],
    ['raise_event("E_MY_EVENT", $avp(v))', '5\n3\n'],
    ['raise_event("E_MY_EVENT", "$avp(n)", "$avp(v)")', 'b::5\na::3\n'],
  ])('%s with era=2.4', async (call, params) => {
    const rig = await eventRig(raising(`${N} ${V} ${orFail(call)}`), { settings: 'era=2.4' })
    expect(await rig.request()).toBe(200)
    expect(await rig.payloads(1)).toEqual([`E_MY_EVENT\n${params}\n`])
  })

  it.each([
    ['4.0', '{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"192.168.2.11"}}', 74],
    ['2.4', 'E_PIKE_BLOCKED\nip::192.168.2.11\n\n', 33],
  ])('with era=%s sends the documented bytes', async (era, payload, bytes) => {
    const script = `
    startup_route { subscribe_event("E_PIKE_BLOCKED", "@UDP@", 1200); }
    route { $avp(n) = "ip"; $avp(v) = "192.168.2.11"; raise_event("E_PIKE_BLOCKED", $avp(n), $avp(v)); sl_send_reply(200, "OK"); }`
    const rig = await eventRig(script, { settings: `era=${era}` })
    await rig.request()
    expect(await rig.payloads(1)).toEqual([payload])
    expect(rig.peer.payloads[0]).toHaveLength(bytes)
  })

  it('writes negative numbers as such in JSON, text and flat files', async () => {
    const rig = await eventRig(`
    startup_route { subscribe_event("E_MY_EVENT", "@UDP@"); subscribe_event("E_MY_EVENT", "flatstore:@DIR@/flat"); }
    route { $avp(v) = -7; raise_event("E_MY_EVENT", , $avp(v)); sl_send_reply(200, "OK"); }`)
    const legacy = await udpPeer()
    onTestFinished(() => legacy.close())
    const { mi } = rig.proxy.proxy.host
    await mi.call('evi:subscribe', { event: 'E_MY_EVENT', socket: legacy.socket, format: 'text' })
    await rig.request()
    await rig.settled()
    await legacy.arrived(1)
    expect(await rig.payloads(1)).toEqual(['{"jsonrpc":"2.0","method":"E_MY_EVENT","params":[-7]}'])
    expect(legacy.payloads.map(String)).toEqual(['E_MY_EVENT\n-7\n\n'])
    expect(readFileSync(join(rig.proxy.folder, 'flat'), 'utf8')).toBe('E_MY_EVENT,-7\n')
  })

  it.each([
    ['fewer names than values', '$avp(n) = "a"; $avp(v) = 1; $avp(v) = 2;', 'names=1 values=2'],
    ['a name that is no text', '$avp(n) = 5; $avp(v) = 1;', 'every value needs a name that is text'],
  ])('fails with %s, says so, and raises nothing', async (_, statements, reason) => {
    const rig = await eventRig(raising(`${statements} ${orFail('raise_event("E_MY_EVENT", $avp(n), $avp(v))')}`))
    expect(await rig.request()).toBe(500)
    expect(rig.proxy.log.join('')).toContain(reason)
    await rig.settled()
    expect(rig.peer.payloads).toEqual([])
  })

  it('with more names than values raises, and says so', async () => {
    const rig = await eventRig(raising(`${N} $avp(v) = 1; ${orFail('raise_event("E_MY_EVENT", $avp(n), $avp(v))')}`))
    expect(await rig.request()).toBe(200)
    expect(await rig.payloads(1)).toEqual(['{"jsonrpc":"2.0","method":"E_MY_EVENT","params":{"b":1}}'])
    expect(rig.proxy.log.join('')).toContain('more parameter names than values')
  })

  it('takes the values as they are: what the script does with its AVPs afterwards changes no event', async () => {
    const call = 'raise_event("E_MY_EVENT", $avp(n), $avp(v));'
    const rig = await eventRig(
      raising(
        `$avp(n) = "a"; $avp(v) = 1; ${call} $avp(n) = "b"; $avp(v) = 2; ${call} $(avp(v)[0]) = 9; $(avp(n)[1]) = "z"; ${call} $avp(v) = NULL;`,
      ),
    )
    expect(await rig.request()).toBe(200)
    const params = (await rig.payloads(3)).map(payload => JSON.parse(payload).params)
    expect(params).toEqual([{ a: 1 }, { b: 2, a: 1 }, { b: 9, z: 1 }])
  })

  it('succeeds when nobody listens', async () => {
    const rig = await eventRig(`route { ${orFail('raise_event("E_ALONE")')} sl_send_reply(200, "OK"); }`)
    expect(await rig.request()).toBe(200)
  })
})
