import { describe, expect, it } from 'vitest'
import { ACTIVE_WATCHERS_TABLE, PRESENTITY_TABLE, WATCHERS_TABLE } from '../../../src/modules/presence/tables.ts'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { DATABASES, filledDatabase } from '../../support/filled-database.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { Datagrams, expectNothingLeft, startScenario } from './rig.ts'

const pidf = (basic: string): string =>
  '<?xml version="1.0"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@127.0.0.1">' +
  `<tuple id="t1"><status><basic>${basic}</basic></status></tuple></presence>\r\n`
const PIDF = 'Content-Type: application/pidf+xml\r\n'

describe.each(DATABASES)('scenario 27: presence publish (%s)', kind => {
  async function start() {
    const { url, loadmodule } = await filledDatabase(kind, [
      [PRESENTITY_TABLE, []],
      [ACTIVE_WATCHERS_TABLE, []],
      [WATCHERS_TABLE, []],
    ])
    const events = await Datagrams.open()
    const script = `${B4}
${loadmodule}
loadmodule "presence.so"
modparam("presence", "db_url", "${url}")
loadmodule "presence_xml.so"
modparam("presence_xml", "force_active", 1)
startup_route { subscribe_event("E_PRESENCE_PUBLISH", "udp:127.0.0.1:${events.port}"); }
route {
    if (is_method("PUBLISH")) { t_newtran(); handle_publish(); exit; }
    if (is_method("SUBSCRIBE")) { handle_subscribe(); exit; }
}
`
    const scenario = await startScenario(script)
    const alice = await SipUa.open('alice')
    const bob = await SipUa.open('bob')
    const publish = (headers: string, body = '') => bob.request('PUBLISH', scenario.port, { headers, body })
    const subscribe = (headers: string, options = {}) =>
      alice.request('SUBSCRIBE', scenario.port, { headers, ...options })
    const notified = async (): Promise<SipMessage> => {
      const notify = await alice.nextRequest('NOTIFY')
      alice.reply(notify, 200, 'OK')
      return notify
    }
    return { scenario, alice, bob, events, publish, subscribe, notified }
  }

  it('runs as written', async () => {
    const { scenario, alice, bob, events, publish, subscribe, notified } = await start()
    const first = subscribe('Event: presence\r\nExpires: 600\r\n', { callId: `s27-${kind}`, fromTag: 'a' })
    const ok = await alice.nextReply(200)
    expect(headerOf(ok, 'Expires')).toBe('600')
    expect(headerOf(ok, 'Contact')).toBe(`<sip:127.0.0.1:${scenario.port}>`)
    const initial = await notified()
    expect(headerOf(initial, 'Subscription-State')).toBe('active;expires=600')
    expect(initial.body.length).toBe(0)
    expect([initial.callId, initial.toTag, initial.fromTag]).toEqual([first.callId, 'a', ok.toTag])

    publish(`Event: presence\r\nExpires: 300\r\n${PIDF}`, pidf('open'))
    const published = await bob.nextReply(200)
    expect(headerOf(published, 'Expires')).toBe('300')
    const e1 = headerOf(published, 'SIP-ETag')
    expect(await events.nextEvent()).toMatchObject({
      method: 'E_PRESENCE_PUBLISH',
      params: {
        user: 'bob',
        domain: '127.0.0.1',
        event: 'presence',
        expires: 300,
        old_etag: null,
        etag: e1,
        body: pidf('open'),
      },
    })
    const open = await notified()
    expect(open.body.toString()).toBe(pidf('open'))
    expect(headerOf(open, 'Content-Type')).toBe('application/pidf+xml')
    expect(open.cseq).toBeGreaterThan(initial.cseq)

    publish(`Event: presence\r\nExpires: 0\r\nSIP-If-Match: ${e1}\r\n`)
    await bob.nextReply(200)
    expect(await events.nextEvent()).toMatchObject({ params: { old_etag: e1, expires: 0 } })
    expect((await notified()).body.length).toBe(0)

    publish('Event: presence\r\nExpires: 300\r\nSIP-If-Match: unknown\r\n')
    expect((await bob.nextReply(412)).reason).toBe('Conditional request failed')
    publish('Event: foo\r\n', 'x')
    expect(headerOf(await bob.nextReply(489), 'Allow-Events')).toBe('presence, presence.winfo, dialog;sla')
    expect(events.received).toHaveLength(2)

    subscribe('Event: presence\r\nExpires: 0\r\n', { callId: first.callId, fromTag: 'a', toTag: ok.toTag, cseq: 2 })
    await alice.nextReply(200)
    expect(headerOf(await notified(), 'Subscription-State')).toBe('terminated;reason=timeout')
    await expectNothingLeft(scenario)
  })
})
