import { describe, expect, it } from 'vitest'
import { type ScriptProxy, scriptProxy } from '../../support/script-proxy.ts'
import { headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'

const PN = ';pn-provider=fcm;pn-prid=token1;pn-param=app'
const top = (more = ''): string => `
loadmodule "signaling.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "contact_refresh_timer", 1)
modparam("registrar", "pn_enable", 1)
modparam("registrar", "pn_providers", "apns, fcm")
${more}`
const ROUTE = `
  if ($rm == "REGISTER") { save("location"); exit; }
  lookup("location");
  $var(rc) = $rc;
  xlog("«$var(rc)»");
  if ($var(rc) == 1) t_relay();
  if ($var(rc) < 0) t_reply(404, "Not Found");
  exit;`

interface Registering {
  readonly contact: string
  readonly params?: string
  readonly cseq?: number
  readonly expires?: number
  readonly headers?: string
}

async function pushing(more = '') {
  const proxy = await scriptProxy({ top: top(more), route: ROUTE })
  const events: { name: string; values: Record<string, unknown> }[] = []
  proxy.host.bus.tail((event, subscription) => {
    const names = event.names ?? []
    if (subscription === null && event.name.startsWith('E_UL_CONTACT'))
      events.push({ name: event.name, values: Object.fromEntries(names.map((name, i) => [name, event.values[i]])) })
  })
  const refreshes = () => events.filter(({ name }) => name === 'E_UL_CONTACT_REFRESH').map(({ values }) => values)
  return { proxy, events, refreshes }
}

/** Registers bob from a phone, and gives the answer. */
async function register({ port }: ScriptProxy, phone: SipUa, given: Registering, status = 200) {
  const { contact, params = '', cseq = 1, expires = 600, headers = '' } = given
  const text = phone
    .makeRequest('REGISTER', { callId: `reg-${phone.name}`, cseq, headers })
    .replace(/^Contact: .*$/m, `Contact: <${contact}>${params};expires=${expires}`)
  phone.send(text, port)
  return phone.nextReply(status, 'REGISTER')
}

describe('a request for a contact that sleeps (RFC 8599 §5.3)', () => {
  it('waits until the device has registered, from whatever address, and goes on to it', async () => {
    const { proxy, refreshes, events } = await pushing()
    const [bob, moved] = [await SipUa.open('bob'), await SipUa.open('bob')]
    await register(proxy, bob, { contact: `${bob.uri}${PN}` })
    const invite = proxy.phone.request('INVITE', proxy.port, { callId: 'call-1' })
    await proxy.phone.nextReply(100)
    expect([proxy.told(), refreshes()]).toMatchObject([
      ['2'],
      [{ aor: 'bob@127.0.0.1', uri: `${bob.uri}${PN}`, reason: 'ini-INVITE', req_callid: 'call-1' }],
    ])
    await register(proxy, moved, { contact: `${moved.uri}${PN}` })
    const arrived = await moved.nextRequest('INVITE')
    moved.reply(arrived, 200, 'OK')
    expect([(await proxy.phone.nextReply(200)).callId, bob.count({ method: 'INVITE' })]).toEqual([invite.callId, 0])
    expect(events.map(({ name }) => name)).toEqual([
      'E_UL_CONTACT_INSERT',
      'E_UL_CONTACT_REFRESH',
      'E_UL_CONTACT_UPDATE',
    ])
  })

  it.each(['INVITE', 'MESSAGE'])('of method %s ends with 408 after pn_refresh_timeout', async method => {
    const { proxy } = await pushing()
    const bob = await SipUa.open('bob')
    await register(proxy, bob, { contact: `${bob.uri}${PN}` })
    proxy.phone.request(method, proxy.port)
    while (proxy.told().length === 0) await new Promise(resolve => setImmediate(resolve))
    await proxy.clock.advance(5_900)
    expect(proxy.phone.count({ status: 408 })).toBe(0)
    await proxy.clock.advance(200)
    await proxy.phone.nextReply(408)
  })

  it('rings those that are awake meanwhile', async () => {
    const { proxy } = await pushing()
    const [bob, desk] = [await SipUa.open('bob'), await SipUa.open('desk')]
    await register(proxy, bob, { contact: `${bob.uri}${PN}` })
    await register(proxy, desk, { contact: desk.uri })
    proxy.phone.request('INVITE', proxy.port)
    desk.reply(await desk.nextRequest('INVITE'), 486, 'Busy Here')
    await desk.nextRequest('ACK')
    await register(proxy, bob, { contact: `${bob.uri}${PN}`, cseq: 2 })
    bob.reply(await bob.nextRequest('INVITE'), 486, 'Busy Here')
    await proxy.phone.nextReply(486)
    expect(proxy.told()).toEqual(['1'])
  })

  it('goes on at once within pn_skip_pn_interval of its registration', async () => {
    const { proxy, refreshes } = await pushing('modparam("registrar", "pn_skip_pn_interval", 30)')
    const bob = await SipUa.open('bob')
    await register(proxy, bob, { contact: `${bob.uri}${PN}` })
    await proxy.clock.advance(29_000)
    proxy.phone.request('INVITE', proxy.port)
    await bob.nextRequest('INVITE')
    expect([proxy.told(), refreshes()]).toEqual([['1'], []])
  })
})

describe('a registration with push parameters', () => {
  it('is woken up pn_trigger_interval before it ends, once, unless it has registered again', async () => {
    const { proxy, refreshes } = await pushing()
    const bob = await SipUa.open('bob')
    await register(proxy, bob, { contact: `${bob.uri}${PN}` })
    await register(proxy, bob, { contact: bob.uri, cseq: 2 })
    await proxy.clock.advance(470_000)
    await register(proxy, bob, { contact: `${bob.uri}${PN}`, cseq: 3 })
    await proxy.clock.advance(470_000)
    expect(refreshes()).toEqual([])
    await proxy.clock.advance(20_000)
    expect(refreshes()).toMatchObject([{ uri: `${bob.uri}${PN}`, reason: 'reg-refresh', req_callid: '' }])
  })

  it.each([
    [PN, '', ['*;+sip.pns="fcm"']],
    [PN, ';+sip.pnsreg', ['*;+sip.pns="fcm";+sip.pnsreg="130"']],
    [';pn-provider', '', ['*;+sip.pns="apns"', '*;+sip.pns="fcm"']],
    ['', ';+sip.pnsreg', []],
  ])('%s %s is answered with the feature capabilities', async (uri, params, expected) => {
    const { proxy } = await pushing()
    const bob = await SipUa.open('bob')
    const answer = await register(proxy, bob, { contact: `${bob.uri}${uri}`, params })
    expect(headersOf(answer, 'Feature-Caps')).toEqual(expected)
  })

  it('of a service that is not served is refused with 555, unless a proxy before serves it', async () => {
    const { proxy } = await pushing()
    const bob = await SipUa.open('bob')
    const contact = `${bob.uri};pn-provider=other;pn-prid=x`
    const refused = await register(proxy, bob, { contact }, 555)
    expect([refused.reason, headerOf(refused, 'P-Registrar-Error')]).toEqual([
      'Push Notification Service Not Supported',
      'The push notification service is not supported',
    ])
    const served = await register(proxy, bob, { contact, cseq: 2, headers: 'Feature-Caps: *;+sip.pns="other"\r\n' })
    expect(headerOf(served, 'Feature-Caps')).toBe('')
  })

  it.each([
    ['modparam("registrar", "pn_providers", "")', 'pn_enable needs pn_providers'],
    ['modparam("registrar", "pn_refresh_timeout", 0)', 'pn_refresh_timeout: expected at least 1'],
  ])('%s stops the start', async (more, fault) => {
    await expect(pushing(more)).rejects.toThrow(fault)
  })
})
