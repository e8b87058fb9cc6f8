import { describe, expect, it } from 'vitest'
import { headerOf } from '../../support/sip-ua.ts'
import { Call, callRig } from '../dialog/call-rig.ts'

const rigWith = (invite: string, params = '', inside = '') =>
  callRig({ head: `loadmodule "uac.so"\n${params}`, invite, inside })

const OLD = '<sip:alice@127.0.0.1>'
const NEW = '"Batman" <sip:batman@gotham.example>'

describe.each([
  ['with a dialog', 'create_dialog();', ''],
  ['with Record-Route', '', ''],
  ['with a dialog that it makes', '', 'modparam("uac", "force_dialog", 1)'],
])('uac_replace_from %s', (_, before, params) => {
  it('shows the callee the new party and the caller the old one, in every request and reply', async () => {
    const rig = await rigWith(`${before} uac_replace_from("Batman", "sip:batman@gotham.example");`, params)
    const call = await new Call(rig, 'f1').establish()
    expect(headerOf(call.arrived, 'From')).toBe(`${NEW};tag=f1-a`)
    expect(headerOf(call.answer, 'From')).toBe(`${OLD};tag=f1-a`)
    call.fromAlice('INFO')
    const info = await rig.bob.nextRequest('INFO')
    expect(headerOf(info, 'From')).toBe(`${NEW};tag=f1-a`)
    rig.bob.reply(info, 200, 'OK')
    expect(headerOf(await rig.alice.nextReply(200, 'INFO'), 'From')).toBe(`${OLD};tag=f1-a`)
    const route = call.arrived.recordRoutes.map(({ uri }) => `Route: <${uri}>\r\n`).join('')
    rig.bob.request('BYE', rig.proxy.port, {
      uri: rig.alice.uri,
      to: 'sip:batman@gotham.example',
      callId: 'f1',
      fromTag: 'f1-b',
      toTag: 'f1-a',
      headers: route,
    })
    const bye = await rig.alice.nextRequest('BYE')
    expect(headerOf(bye, 'To')).toBe(`${OLD};tag=f1-a`)
    rig.alice.reply(bye, 200, 'OK')
    expect(headerOf(await rig.bob.nextReply(200, 'BYE'), 'To')).toBe('<sip:batman@gotham.example>;tag=f1-a')
  })
})

describe('uac_replace_to', () => {
  it('shows the caller the party it called', async () => {
    const rig = await rigWith('uac_replace_to(, "sip:robin@gotham.example");')
    const call = await new Call(rig, 't1').establish()
    expect(headerOf(call.arrived, 'To')).toBe('<sip:robin@gotham.example>')
    expect(headerOf(call.answer, 'To')).toBe('<sip:bob@127.0.0.1>;tag=t1-b')
    call.fromAlice('INFO')
    expect(headerOf(await rig.bob.nextRequest('INFO'), 'To')).toBe('<sip:robin@gotham.example>;tag=t1-b')
  })

  it('goes together with uac_replace_from', async () => {
    const rig = await rigWith('uac_replace_from("Batman", "sip:batman@gotham.example"); uac_replace_to("R", "");')
    const call = await new Call(rig, 'both').establish()
    expect(headerOf(call.arrived, 'From')).toBe(`${NEW};tag=both-a`)
    expect(headerOf(call.arrived, 'To')).toBe('"R" <sip:bob@127.0.0.1>')
    expect(headerOf(call.answer, 'To')).toBe('<sip:bob@127.0.0.1>;tag=both-b')
  })
})

describe('what uac_replace_from writes', () => {
  it.each([
    ['"sip:only@x.example"', '<sip:only@x.example>'],
    ['"Bat \\"man\\"", ""', '"Bat \\"man\\"" <sip:alice@127.0.0.1>'],
    ['"", "sip:plain@x.example"', '<sip:plain@x.example>'],
    ['"\\"Quoted\\"", ""', '"Quoted" <sip:alice@127.0.0.1>'],
  ])('(%s) is %s', async (args, party) => {
    const rig = await rigWith(`uac_replace_from(${args});`)
    const call = await new Call(rig, 'w').begin()
    expect(headerOf(call.arrived, 'From')).toBe(`${party};tag=w-a`)
  })

  it('is nothing where the URI is none, or where it wrote before', async () => {
    const rig = await rigWith(`
if (uac_replace_from("", "nonsense")) send_reply(500, "Wrong");
if (!uac_replace_from("", "sip:one@x.example") || uac_replace_from("", "sip:two@x.example")) send_reply(500, "Wrong");`)
    const call = await new Call(rig, 'once').begin()
    expect(headerOf(call.arrived, 'From')).toBe('<sip:one@x.example>;tag=once-a')
  })

  it('is of one branch only in a branch_route', async () => {
    const rig = await callRig({
      head: 'loadmodule "uac.so"',
      invite: 't_on_branch("b");',
      routes: 'branch_route[b] { uac_replace_from("", "sip:branch@x.example"); }',
    })
    const call = await new Call(rig, 'br').begin()
    expect(headerOf(call.arrived, 'From')).toBe('<sip:branch@x.example>;tag=br-a')
    rig.bob.reply(call.arrived, 486, 'Busy Here')
    expect(headerOf(await rig.alice.nextReply(486), 'From')).toBe(`${OLD};tag=br-a`)
  })
})

describe('restore_mode', () => {
  it('none leaves replies and requests inside the call as they are', async () => {
    const rig = await rigWith('uac_replace_from("", "sip:b@x.example");', 'modparam("uac", "restore_mode", "none")')
    const call = await new Call(rig, 'none').establish()
    expect(headerOf(call.answer, 'From')).toBe('<sip:b@x.example>;tag=none-a')
    expect(call.arrived.recordRoutes[0]?.uri).not.toContain('vsf')
    call.fromAlice('INFO')
    expect(headerOf(await rig.bob.nextRequest('INFO'), 'From')).toBe(`${OLD};tag=none-a`)
  })

  it('manual restores replies, and requests when the script says so', async () => {
    const rig = await rigWith(
      'uac_replace_from("", "sip:b@x.example");',
      'modparam("uac", "restore_mode", "manual")',
      'if (is_method("INFO")) uac_restore_from();',
    )
    const call = await new Call(rig, 'man').establish()
    expect(headerOf(call.answer, 'From')).toBe(`${OLD};tag=man-a`)
    call.fromAlice('MESSAGE')
    expect(headerOf(await rig.bob.nextRequest('MESSAGE'), 'From')).toBe(`${OLD};tag=man-a`)
    call.fromAlice('INFO')
    expect(headerOf(await rig.bob.nextRequest('INFO'), 'From')).toBe('<sip:b@x.example>;tag=man-a')
  })

  it('is refused at the start when it is unknown', async () => {
    await expect(rigWith('', 'modparam("uac", "restore_mode", "some")')).rejects.toThrow(
      'expected none, manual or auto',
    )
  })
})

it('a parameter that was made up changes nothing', async () => {
  const rig = await rigWith('uac_replace_from("", "sip:b@x.example");')
  const call = await new Call(rig, 'forged').establish()
  rig.alice.request('INFO', rig.proxy.port, {
    uri: rig.bob.uri,
    callId: 'forged',
    fromTag: 'forged-a',
    toTag: 'forged-b',
    headers: `Route: <sip:127.0.0.1:${rig.proxy.port};lr;vsf=AAAA${'x'.repeat(60)}>\r\n`,
  })
  expect(headerOf(await rig.bob.nextRequest('INFO'), 'From')).toBe(`${OLD};tag=forged-a`)
  expect(call.answer.status).toBe(200)
})
