import { describe, expect, it, onTestFinished } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'

/** Record-Routes as they come to us: of two proxies on the caller's side, and of two on the callee's. The nearest is the phone itself. */
const callerSide = (port: number) => [`sip:127.0.0.1:${port};lr;x=before1`, 'sip:before2.example;lr']
const calleeSide = (port: number) => ['sip:after2.example;lr', `sip:127.0.0.1:${port};lr;x=after1`]
const recordRoutes = (uris: readonly string[]) => uris.map(uri => `Record-Route: <${uri}>\r\n`).join('')

interface Options {
  readonly head?: string
  /** Further parameters of the module. */
  readonly params?: string
  readonly hide: string
  readonly invite?: string
}

async function hidingRig({ head = '', params = '', hide, invite = '' }: Options) {
  const clock = new VirtualClock()
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  const proxy = await startProxy(
    `
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
${head}
loadmodule "topology_hiding.so"
modparam("topology_hiding", "th_contact_encode_passwd", "test")
${params}
route {
  if (has_totag()) {
    if (!topology_hiding_match()) { if (is_method("ACK") && t_check_trans()) t_relay(); else send_reply(404, "Not here"); exit; }
    t_relay(); exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  ${invite}
  if (!${hide}) { send_reply(500, "Not hidden"); exit; }
  $du = "sip:127.0.0.1:${bob.port}";
  t_relay();
}`,
    { clock },
  )
  onTestFinished(async () => {
    await proxy.proxy.stop(AbortSignal.abort())
    await proxy.stop()
  })
  return { alice, bob, proxy, clock, port: proxy.port }
}
type Rig = Awaited<ReturnType<typeof hidingRig>>

const contactUri = (message: SipMessage): string =>
  Array.isArray(message.contacts) ? (message.contacts[0]?.uri ?? '') : ''

/** A call from alice, who is behind two proxies, to bob, who is behind two others. */
class HiddenCall {
  readonly rig: Rig
  invite!: SipMessage
  arrived!: SipMessage
  answer!: SipMessage

  constructor(rig: Rig) {
    this.rig = rig
  }

  async begin(): Promise<this> {
    const { alice, bob, port } = this.rig
    this.invite = alice.request('INVITE', port, {
      callId: 'secret',
      fromTag: 'a',
      headers: `Via: SIP/2.0/UDP inner.example;branch=z9hG4bKinner\r\n${recordRoutes(callerSide(alice.port))}`,
    })
    this.arrived = await bob.nextRequest('INVITE')
    return this
  }

  async establish(): Promise<this> {
    await this.begin()
    const { alice, bob } = this.rig
    bob.reply(this.arrived, 200, 'OK', { toTag: 'b', headers: recordRoutes(calleeSide(bob.port)) })
    this.answer = await alice.nextReply(200, 'INVITE')
    this.fromAlice('ACK', 1)
    await bob.nextRequest('ACK')
    return this
  }

  /** As it comes out of alice's own proxies, which have taken their Routes out. */
  fromAlice(method: string, cseq: number, headers = ''): SipMessage {
    const { alice, port } = this.rig
    return alice.request(method, port, {
      uri: contactUri(this.answer),
      callId: 'secret',
      fromTag: 'a',
      toTag: 'b',
      cseq,
      headers,
    })
  }

  fromBob(method: string, cseq: number): SipMessage {
    const { bob, port } = this.rig
    return bob.request(method, port, {
      uri: contactUri(this.arrived),
      callId: this.arrived.callId,
      to: 'sip:alice@127.0.0.1',
      fromTag: 'b',
      toTag: 'a',
      cseq,
    })
  }
}

const WITH_DIALOG: Options = { head: 'loadmodule "dialog.so"', invite: 'create_dialog();', hide: 'topology_hiding()' }
const WITHOUT: Options = { hide: 'topology_hiding()' }

describe.each([
  ['with a dialog', WITH_DIALOG],
  ['without a dialog', WITHOUT],
  [
    'with a dialog that force_dialog makes',
    { ...WITH_DIALOG, invite: '', params: 'modparam("topology_hiding", "force_dialog", 1)' },
  ],
])('topology_hiding %s', (_, options) => {
  it('shows the callee nothing but the proxy', async () => {
    const { arrived, rig } = await new HiddenCall(await hidingRig(options)).begin()
    expect(arrived.vias).toHaveLength(1)
    expect(arrived.vias[0]).toMatchObject({ host: '127.0.0.1', port: rig.port })
    expect(headersOf(arrived, 'Record-Route')).toEqual([])
    expect(contactUri(arrived)).toMatch(new RegExp(`^sip:127\\.0\\.0\\.1:${rig.port};`))
    expect(arrived.bytes.toString()).not.toMatch(new RegExp(`inner\\.example|before|127.0.0.1:${rig.alice.port}`))
  })

  it('shows the caller nothing but the proxy, and gives it its own Vias and Record-Routes back', async () => {
    const { answer, invite, rig } = await new HiddenCall(await hidingRig(options)).establish()
    expect(answer.vias.map(via => via.branch)).toEqual(invite.vias.map(via => via.branch))
    expect(answer.recordRoutes.map(route => route.uri)).toEqual(callerSide(rig.alice.port))
    expect(contactUri(answer)).toMatch(new RegExp(`^sip:127\\.0\\.0\\.1:${rig.port};`))
    expect(answer.bytes.toString()).not.toMatch(new RegExp(`after|127.0.0.1:${rig.bob.port}`))
  })

  it('takes requests of the caller to the callee along its Route set, and their replies back', async () => {
    const call = await new HiddenCall(await hidingRig(options)).establish()
    const { alice, bob } = call.rig
    const sent = call.fromAlice('INFO', 2)
    const info = await bob.nextRequest('INFO')
    expect(info.requestUri).toBe(bob.uri)
    expect(info.routes.map(route => route.uri)).toEqual(calleeSide(bob.port).reverse())
    expect(info.vias).toHaveLength(1)
    expect(contactUri(info)).not.toContain(String(alice.port))
    bob.reply(info, 200, 'OK')
    const reply = await alice.nextReply(200, 'INFO')
    expect(reply.vias.map(via => via.branch)).toEqual(sent.vias.map(via => via.branch))
  })

  it('takes requests of the callee to the caller, and their replies back', async () => {
    const call = await new HiddenCall(await hidingRig(options)).establish()
    const { alice, bob } = call.rig
    call.fromBob('BYE', 7)
    const bye = await alice.nextRequest('BYE')
    expect(bye.requestUri).toBe(alice.uri)
    expect(bye.callId).toBe('secret')
    expect(bye.routes.map(route => route.uri)).toEqual(callerSide(alice.port))
    expect(bye.bytes.toString()).not.toContain(`127.0.0.1:${bob.port}`)
    alice.reply(bye, 200, 'OK')
    expect((await bob.nextReply(200, 'BYE')).callId).toBe(call.arrived.callId)
  })

  it('follows a target that moves', async () => {
    const call = await new HiddenCall(await hidingRig(options)).establish()
    const { alice, bob, port } = call.rig
    const text = alice.makeRequest('INVITE', {
      uri: contactUri(call.answer),
      callId: 'secret',
      fromTag: 'a',
      toTag: 'b',
      cseq: 2,
      headers: recordRoutes(callerSide(alice.port)),
    })
    alice.send(text.replace(`<${alice.uri}>`, `<sip:moved@127.0.0.1:${alice.port}>`), port)
    const again = await bob.nextRequest('INVITE')
    bob.reply(again, 200, 'OK')
    await alice.nextReply(200, 'INVITE')
    call.arrived = again
    call.fromBob('INFO', 7)
    expect((await alice.nextRequest('INFO')).requestUri).toBe(`sip:moved@127.0.0.1:${alice.port}`)
  })

  it('hides in provisional and negative replies too, but not the targets of a redirection', async () => {
    const { arrived, rig } = await new HiddenCall(await hidingRig(options)).begin()
    rig.bob.reply(arrived, 180, 'Ringing', { toTag: 'b' })
    expect((await rig.alice.nextReply(180)).bytes.toString()).not.toContain(`127.0.0.1:${rig.bob.port}`)
    rig.bob.send(
      rig.bob
        .makeReply(arrived, 302, 'Elsewhere', { toTag: 'b' })
        .replace(/^Contact: .*$/m, 'Contact: <sip:other@x.example>'),
      rig.port,
    )
    expect(contactUri(await rig.alice.nextReply(302))).toBe('sip:other@x.example')
  })

  it('cancels as any call', async () => {
    const { invite, arrived, rig } = await new HiddenCall(await hidingRig(options)).begin()
    rig.bob.reply(arrived, 180, 'Ringing', { toTag: 'b' })
    await rig.alice.nextReply(180)
    rig.alice.cancel(invite, rig.port)
    await rig.alice.nextReply(200, 'CANCEL')
    const cancel = await rig.bob.nextRequest('CANCEL')
    expect(cancel.callId).toBe(arrived.callId)
    rig.bob.reply(arrived, 487, 'Terminated', { toTag: 'b' })
    expect((await rig.alice.nextReply(487)).callId).toBe('secret')
  })

  it('with C shows the callee another Call-ID in all of the call', async () => {
    const call = await new HiddenCall(await hidingRig({ ...options, hide: 'topology_hiding("C")' })).establish()
    const { alice, bob } = call.rig
    expect(call.arrived.callId).toMatch(/^DLGCH_[\w-]+$/)
    expect(call.answer.callId).toBe('secret')
    call.fromAlice('INFO', 2)
    const info = await bob.nextRequest('INFO')
    expect(info.callId).toBe(call.arrived.callId)
    bob.reply(info, 200, 'OK')
    expect((await alice.nextReply(200, 'INFO')).callId).toBe('secret')
    call.fromBob('INFO', 7)
    const back = await alice.nextRequest('INFO')
    expect(back.callId).toBe('secret')
    alice.reply(back, 200, 'OK')
    expect((await bob.nextReply(200, 'INFO')).callId).toBe(call.arrived.callId)
  })

  it('with U keeps the user, and shows what the script gives', async () => {
    const hide = 'topology_hiding("U", "caller-contact=caller.example;callee-contact=callee.example:5070")'
    const call = await new HiddenCall(await hidingRig({ ...options, hide })).establish()
    expect(contactUri(call.arrived)).toMatch(/^sip:alice@callee\.example:5070;/)
    expect(contactUri(call.answer)).toMatch(/^sip:bob@caller\.example;/)
  })

  it('keeps the parameters of Contact that it is told to keep', async () => {
    const params = `${options.params ?? ''}
modparam("topology_hiding", "th_passed_contact_params", "+sip.instance;audio")
modparam("topology_hiding", "th_passed_contact_uri_params", "ob")`
    const rig = await hidingRig({ ...options, params })
    const text = rig.alice.makeRequest('INVITE', {})
    rig.alice.send(
      text.replace(
        /^Contact: .*$/m,
        'Contact: <sip:alice@10.1.1.1;ob;secret=1>;+sip.instance="<urn:x>";audio;hidden=1',
      ),
      rig.port,
    )
    const value = headerOf(await rig.bob.nextRequest('INVITE'), 'Contact')
    expect(value).toMatch(/;ob>;\+sip\.instance="<urn:x>";audio$/)
    expect(value).not.toMatch(/secret|hidden|10\.1\.1\.1/)
  })

  it('takes nobody anywhere by a Contact that was made up', async () => {
    const { alice, port } = await hidingRig(options)
    for (const param of [`thinfo=${'A'.repeat(200)}`, 'thinfo=%00', 'did=1a.2b', 'did=', 'did=%', 'x']) {
      alice.request('INFO', port, { uri: `sip:127.0.0.1:${port};${param}`, toTag: 'b' })
      await alice.nextReply(404)
    }
  })
})

describe('with a dialog', () => {
  it('D makes its id the user of Contact', async () => {
    const call = await new HiddenCall(await hidingRig({ ...WITH_DIALOG, hide: 'topology_hiding("D")' })).establish()
    expect(contactUri(call.arrived)).toMatch(/^sip:[0-9a-f]+\.[0-9a-f]+@127\.0\.0\.1:\d+$/)
    call.fromBob('INFO', 7)
    await call.rig.alice.nextRequest('INFO')
  })

  it('BYEs made here reach both parties, each with the Call-ID it knows', async () => {
    const call = await new HiddenCall(await hidingRig({ ...WITH_DIALOG, hide: 'topology_hiding("C")' })).establish()
    const { alice, bob, proxy } = call.rig
    await proxy.proxy.host.mi.call('dialog:end_dlg', ['secret'])
    expect((await alice.nextRequest('BYE')).callId).toBe('secret')
    const bye = await bob.nextRequest('BYE')
    expect(bye.callId).toBe(call.arrived.callId)
    expect(bye.routes.map(route => route.uri)).toEqual(calleeSide(bob.port).reverse())
  })
})

it('with a dialog re-INVITEs made here show each party the Contact it knows', async () => {
  const head = `${WITH_DIALOG.head}\nmodparam("dialog", "reinvite_ping_interval", 60)`
  const rig = await hidingRig({
    ...WITH_DIALOG,
    head,
    invite: 'create_dialog("reinvite-ping-caller,reinvite-ping-callee");',
  })
  const call = await new HiddenCall(rig).establish()
  await rig.clock.advance(61_000)
  expect(contactUri(await rig.bob.nextRequest('INVITE'))).toBe(contactUri(call.arrived))
  expect(contactUri(await rig.alice.nextRequest('INVITE'))).toBe(contactUri(call.answer))
})

it('without a dialog the Contact may be written in base32', async () => {
  const params =
    'modparam("topology_hiding", "th_contact_encode_scheme", "base32")\nmodparam("topology_hiding", "th_contact_encode_param", "t")'
  const call = await new HiddenCall(await hidingRig({ ...WITHOUT, params })).establish()
  expect(contactUri(call.arrived)).toMatch(/;t=[A-Z2-7]+$/)
  call.fromBob('INFO', 7)
  await call.rig.alice.nextRequest('INFO')
})

it('unknown flags are refused when the script is loaded', async () => {
  await expect(hidingRig({ hide: 'topology_hiding("X")' })).rejects.toThrow('unknown flag "X"')
})
