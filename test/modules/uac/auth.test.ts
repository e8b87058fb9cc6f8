import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../src/sip/codec/message.ts'
import { readCredentials } from '../../../src/sip/digest/credentials.ts'
import { type DigestAlgorithm, digestResponse, hashOf, passwordHash } from '../../../src/sip/digest/response.ts'
import { headerOf, headersOf } from '../../support/sip-ua.ts'
import { callsDatabase } from '../acc/database-rig.ts'
import { Call, type CallRig, callRig } from '../dialog/call-rig.ts'

const FAILURE = 'failure_route[auth] { if (uac_auth()) { t_on_failure("auth"); t_relay(); } }'
const CREDENTIAL = 'modparam("uac_auth", "credential", "alice:realm.example:se:cret")'

const authRig = (invite: string, more: { params?: string; routes?: string; inside?: string } = {}): Promise<CallRig> =>
  callRig({
    head: `loadmodule "uac.so"\nloadmodule "uac_auth.so"\n${more.params ?? CREDENTIAL}`,
    invite: `${invite} t_on_failure("auth");`,
    inside: more.inside ?? '',
    routes: more.routes ?? FAILURE,
  })

const challenge = (parts = 'qop="auth"', realm = 'realm.example') =>
  `WWW-Authenticate: Digest realm="${realm}", nonce="n1", ${parts}\r\n`

/** Whether an Authorization value is right for the password. */
function isRight(request: SipMessage, name: string, password: string): boolean {
  const reading = readCredentials(headerOf(request, name))
  if (reading.kind !== 'digest') return false
  const c = reading.credentials
  const algorithm = c.algorithm as DigestAlgorithm
  const ha1 = passwordHash(hashOf(algorithm), c.username, c.realm, password)
  return (
    c.uri === request.requestUri &&
    c.response === digestResponse({ ...c, algorithm, ha1, method: request.method, body: request.body })
  )
}

/** Bob challenges the INVITE; gives it as it comes again. */
async function challenged(rig: CallRig, call: Call, header: string, status = 401): Promise<SipMessage> {
  await call.begin()
  rig.bob.reply(call.arrived, status, 'Who are you', { headers: header, toTag: 'first' })
  await rig.bob.nextRequest('ACK')
  call.arrived = await rig.bob.nextRequest('INVITE')
  return call.arrived
}

describe('uac_auth', () => {
  it.each([
    ['MD5 by default', challenge()],
    ['without qop', challenge('opaque="o"')],
    ['MD5', challenge('algorithm=MD5, qop="auth,auth-int"')],
    ['SHA-256', challenge('algorithm=SHA-256, qop="auth"')],
    ['SHA-512-256', challenge('algorithm=SHA-512-256, qop="auth"')],
    ['auth-int', challenge('algorithm=SHA-256, qop="auth-int"')],
  ])('answers a challenge on a new branch: %s', async (_, header) => {
    const rig = await authRig('')
    const call = new Call(rig, 'a1', { body: 'hello' })
    const again = await challenged(rig, call, header)
    expect(isRight(again, 'Authorization', 'se:cret')).toBe(true)
    expect(again.cseq).toBe(2)
    expect(rig.alice.count({ status: 401 })).toBe(0)
  })

  it('answers a 407 with Proxy-Authorization', async () => {
    const rig = await authRig('')
    const header = challenge().replace('WWW-Authenticate', 'Proxy-Authenticate')
    const again = await challenged(rig, new Call(rig, 'p1'), header, 407)
    expect(isRight(again, 'Proxy-Authorization', 'se:cret')).toBe(true)
  })

  it('takes the first challenge that it knows credentials and an algorithm for', async () => {
    const rig = await authRig('')
    const header =
      challenge('algorithm=SHA-256', 'unknown.example') + challenge('algorithm=NEW') + challenge('algorithm=SHA-256')
    const again = await challenged(rig, new Call(rig, 'm1'), header)
    expect(headersOf(again, 'Authorization')).toHaveLength(1)
    expect(headerOf(again, 'Authorization')).toContain('algorithm=SHA-256')
  })

  it('answers only with the algorithms it is given', async () => {
    const rig = await authRig('', {
      routes: 'failure_route[auth] { if (uac_auth("MD5, sha-512-256")) t_relay(); }',
    })
    const call = await new Call(rig, 'alg').begin()
    rig.bob.reply(call.arrived, 401, 'No', { headers: challenge('algorithm=SHA-256') })
    await rig.alice.nextReply(401)
    expect(rig.bob.count({ method: 'INVITE' })).toBe(1)
  })

  it('passes the refusal on when the credentials are wrong, or none are known', async () => {
    const rig = await authRig('')
    const call = new Call(rig, 'wrong')
    await challenged(rig, call, challenge())
    rig.bob.reply(call.arrived, 401, 'Still no', { headers: challenge(), toTag: 'second' })
    expect((await rig.alice.nextReply(401)).cseq).toBe(1)
    const other = await new Call(rig, 'unknown').begin()
    rig.bob.reply(other.arrived, 401, 'No', { headers: challenge('qop="auth"', 'other.example') })
    await rig.alice.nextReply(401)
    expect(rig.bob.count({ method: 'INVITE' })).toBe(3)
  })

  it('answers again when only the nonce was too old', async () => {
    const rig = await authRig('')
    const call = new Call(rig, 'stale')
    await challenged(rig, call, challenge())
    rig.bob.reply(call.arrived, 401, 'Old', { headers: challenge('stale=true, qop="auth"').replace('n1', 'n2') })
    const third = await rig.bob.nextRequest('INVITE')
    expect(headersOf(third, 'Authorization')).toHaveLength(1)
    expect(headerOf(third, 'Authorization')).toContain('nonce="n2"')
    expect(third.cseq).toBe(3)
  })

  it('answers server and proxy one after the other, with both headers', async () => {
    const rig = await authRig('', {
      params: `${CREDENTIAL}\nmodparam("uac_auth", "credential", "bob:proxy.example:pw")`,
    })
    const call = new Call(rig, 'two')
    await challenged(rig, call, challenge())
    const header = challenge('qop="auth"', 'proxy.example').replace('WWW-', 'Proxy-')
    rig.bob.reply(call.arrived, 407, 'And you', { headers: header })
    const third = await rig.bob.nextRequest('INVITE')
    expect(isRight(third, 'Authorization', 'se:cret')).toBe(true)
    expect(isRight(third, 'Proxy-Authorization', 'pw')).toBe(true)
  })

  it('takes credentials out of variables', async () => {
    const rig = await authRig('$avp(r) = "avp.example"; $avp(u) = "carol"; $avp(p) = "word";', {
      params: `
modparam("uac_auth", "auth_realm_avp", "$avp(r)")
modparam("uac_auth", "auth_username_avp", "$avp(u)")
modparam("uac_auth", "auth_password_avp", "$avp(p)")`,
    })
    const again = await challenged(rig, new Call(rig, 'avp'), challenge('qop="auth"', 'avp.example'))
    expect(isRight(again, 'Authorization', 'word')).toBe(true)
    expect(headerOf(again, 'Authorization')).toContain('username="carol"')
  })
})

describe.each([
  ['with a dialog', 'create_dialog();'],
  ['without a dialog', ''],
])('CSeq numbers after uac_auth %s', (_, before) => {
  it('are those of the caller towards the caller, and count on towards the callee', async () => {
    const rig = await authRig(before)
    const call = new Call(rig, 'cs')
    await challenged(rig, call, challenge())
    await call.accept()
    expect(call.answer.cseq).toBe(1)
    call.fromAlice('ACK', 1)
    expect((await rig.bob.nextRequest('ACK')).cseq).toBe(2)
    call.fromAlice('INFO', 2)
    const info = await rig.bob.nextRequest('INFO')
    expect(info.cseq).toBe(3)
    rig.bob.reply(info, 200, 'OK')
    expect((await rig.alice.nextReply(200, 'INFO')).cseq).toBe(2)
    call.fromBob('INFO', 7)
    const back = await rig.alice.nextRequest('INFO')
    expect(back.cseq).toBe(7)
  })
})

it('a request inside a dialog that is challenged is answered too', async () => {
  const rig = await authRig('create_dialog();', { inside: 't_on_failure("auth");' })
  const call = await new Call(rig, 'in').establish()
  call.fromAlice('INFO', 2)
  rig.bob.reply(await rig.bob.nextRequest('INFO'), 401, 'Who', { headers: challenge() })
  const again = await rig.bob.nextRequest('INFO')
  expect(again.cseq).toBe(3)
  rig.bob.reply(again, 200, 'OK')
  expect((await rig.alice.nextReply(200, 'INFO')).cseq).toBe(2)
  call.fromAlice('BYE', 3)
  expect((await rig.bob.nextRequest('BYE')).cseq).toBe(4)
})

it('CSeq numbers and parties go on as they were when the proxy was started anew during the call', async () => {
  const { url, rows } = await callsDatabase('dialog')
  const params = `
loadmodule "db_sqlite.so"
modparam("dialog", "db_url", "${url}")
modparam("dialog", "db_mode", 1)
${CREDENTIAL}`
  const rig = await authRig('create_dialog(); uac_replace_from("", "sip:other@x.example");', { params })
  const call = new Call(rig, 'anew')
  await challenged(rig, call, challenge())
  await call.accept()
  call.fromAlice('ACK', 1)
  await rig.until('the row', () => rows('dialog')[0]?.['state'] === 4)
  await rig.restart()
  call.fromAlice('INFO', 2)
  const info = await rig.bob.nextRequest('INFO')
  expect(info.cseq).toBe(3)
  expect(headerOf(info, 'From')).toBe('<sip:other@x.example>;tag=anew-a')
})

it('uac_auth() without the module uac_auth is refused at the start', async () => {
  await expect(
    callRig({ head: 'loadmodule "uac.so"', invite: '', routes: 'failure_route[x] { uac_auth(); }' }),
  ).rejects.toThrow('needs the module uac_auth')
})
