import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { golden } from '../../mi/golden.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { type EventRig, eventRig } from './event-rig.ts'

/* The recorded REGISTERs and management commands, sent to a running proxy: the replies and the bytes of the events they lead to. */

/** Second of the first recorded registration. */
const START_MS = 1_795_187_780_000

const HEAD = `
log_level=3
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
loadmodule "event_datagram.so"
loadmodule "usrloc.so"
modparam("usrloc", "timer_interval", 2)
loadmodule "registrar.so"
modparam("registrar", "min_expires", 1)
`
const EVENTS = ['AOR_INSERT', 'AOR_DELETE', 'CONTACT_INSERT', 'CONTACT_UPDATE', 'CONTACT_DELETE']
const SCRIPT = `
startup_route { ${EVENTS.map(name => `subscribe_event("E_UL_${name}", "@UDP@");`).join(' ')} }
route { save("location"); }
`

/** A recorded case: what was sent, what was answered, what was raised. */
function recording(name: string): { request: string; reply: string; events: string[] } {
  const [request = '', reply = ''] = golden(`usrloc/${name}.req`).toString('utf8').split('--- reply ---\n')
  const events = golden(`usrloc/${name}.out`).toString('utf8').trim().split('\n')
  return { request: request.trimEnd(), reply: reply.trimStart(), events }
}

const timeless = (event: string): string => event.replace(/"expires":\d+/, '"expires":0')

class Registrations {
  readonly rig: EventRig
  readonly clock: VirtualClock
  #seen = 0

  constructor(rig: EventRig, clock: VirtualClock) {
    this.rig = rig
    this.clock = clock
  }

  /** Sends the recorded request; gives the Contact of the reply. */
  async register(name: string, change: (request: string) => string = request => request): Promise<string> {
    const ua = await SipUa.open(name)
    const request = change(recording(name).request.replace(/\r?\n/g, '\r\n'))
    ua.send(`${request.replace(/127\.0\.0\.1:\d+;branch/, `127.0.0.1:${ua.port};branch`)}\r\n\r\n`, this.rig.proxy.port)
    return headerOf(await ua.nextReply(200), 'Contact')
  }

  /** The next events that arrive, as they would be of a proxy on port 5060. */
  async next(count: number): Promise<string[]> {
    await this.rig.settled()
    const all = await this.rig.payloads(this.#seen + count)
    const fresh = all
      .slice(this.#seen)
      .map(text => text.replace(`udp:127.0.0.1:${this.rig.proxy.port}`, 'udp:127.0.0.1:5060'))
    this.#seen = all.length
    return fresh
  }

  async expectRecorded(name: string): Promise<void> {
    const { reply, events } = recording(name)
    expect(await this.register(name), name).toBe(/^Contact: (.*?)\r?$/m.exec(reply)?.[1])
    expect((await this.next(events.length)).map(timeless), name).toEqual(events.map(timeless))
  }
}

async function started(): Promise<Registrations> {
  const clock = new VirtualClock(START_MS)
  return new Registrations(await eventRig(SCRIPT, { clock, head: HEAD }), clock)
}

describe('a registration sent to the running proxy', () => {
  it('raises the recorded bytes, to the second', async () => {
    const registrations = await started()
    await registrations.register('register_new')
    expect(await registrations.next(2)).toEqual(recording('register_new').events)
  })

  it('of the whole recorded sequence is answered and raised as recorded', async () => {
    const registrations = await started()
    await registrations.expectRecorded('register_new')
    await registrations.expectRecorded('reregister_refresh')
    await registrations.clock.advance(1000)
    await registrations.expectRecorded('register_second_contact')
    // Between these two recordings the second contact was refreshed.
    await registrations.register('register_second_contact', request => request.replace('CSeq: 1 ', 'CSeq: 2 '))
    await registrations.next(1)
    await registrations.clock.advance(1000)
    await registrations.expectRecorded('unregister_one')
    await registrations.expectRecorded('carol_register')
    await registrations.expectRecorded('carol_retransmit_same_cseq')
    await registrations.expectRecorded('carol_new_callid')
  })

  it('that is not renewed ends as recorded', async () => {
    const registrations = await started()
    await registrations.expectRecorded('register_short_insert')
    await registrations.clock.advance(4000)
    const { events } = recording('expiry')
    expect((await registrations.next(events.length)).map(timeless)).toEqual(events.map(timeless))
  })

  it('made and removed by management is answered and raised as recorded', async () => {
    const registrations = await started()
    const { mi } = registrations.rig.proxy.proxy.host
    for (const name of ['mi_ul_add', 'mi_ul_rm_contact']) {
      const { request, reply, events } = recording(name)
      expect(await mi.handle(request)).toBe(reply)
      expect((await registrations.next(events.length)).map(timeless), name).toEqual(events.map(timeless))
    }
  })
})

describe('an event of the core', () => {
  it('E_CORE_LOG has the recorded members for a line of the script', async () => {
    const rig = await eventRig(
      `startup_route { subscribe_event("E_CORE_LOG", "@UDP@"); }
      route { xlog("L_ERR", "hello \\"log\\" event\\n"); sl_send_reply(200, "OK"); }`,
      { settings: 'log_event_enabled=yes' },
    )
    await rig.request()
    const recorded = golden('core/core_log.out').toString('utf8').trimEnd()
    const mask = (text: string): string => text.replace(/"time":"[^"]*","pid":\d+/, '"time":"T","pid":0')
    await expect
      .poll(() => rig.peer.payloads.map(payload => mask(payload.toString())), { timeout: 20_000 })
      .toContain(mask(recorded))
  })

  it('E_CORE_TCP_DISCONNECT has the recorded members', async () => {
    const rig = await eventRig('startup_route { subscribe_event("E_CORE_TCP_DISCONNECT", "@UDP@"); }\nroute { exit; }')
    const socket = connect(rig.proxy.port, '127.0.0.1')
    await new Promise(resolve => socket.once('connect', resolve))
    const { localPort } = socket
    socket.end('\r\n\r\n')
    socket.resume()
    const recorded = golden('core/tcp_disconnect.out').toString('utf8').trimEnd()
    expect(await rig.payloads(1)).toEqual([
      recorded
        .replace(/"src_port":\d+/, `"src_port":${localPort}`)
        .replace(/"dst_port":\d+/, `"dst_port":${rig.proxy.port}`),
    ])
  })
})
