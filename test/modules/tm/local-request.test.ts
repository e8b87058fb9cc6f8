import { describe, expect, it } from 'vitest'
import { parseGivenHeaders, parseUserAddress } from '../../../src/modules/tm/local-request.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { tmRig } from './rig.ts'

const HEADERS = 'From: <sip:me@127.0.0.1>\r\nTo: <sip:bob@127.0.0.1>\r\nX-Own: 1\r\n'

describe('requests made here', () => {
  it('uac_dlg sends a request and answers with its final reply', async () => {
    const bob = await SipUa.open('bob')
    const rig = await tmRig({ main: () => {} })
    const result = rig.command('tm:uac_dlg', { method: 'OPTIONS', ruri: bob.uri, headers: HEADERS })
    const sent = await bob.nextRequest('OPTIONS')
    expect([headerOf(sent, 'X-Own'), sent.fromTag !== '', sent.vias.length, sent.maxForwards]).toEqual([
      '1',
      true,
      1,
      70,
    ])
    const reply = bob.reply(sent, 200, 'OK')
    expect(await result).toEqual({ Status: '200 OK', Message: reply.bytes.toString() })
    await rig.clock.advance(5000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending, rig.stat('tm:UAC_transactions')]).toEqual([0, 0, 1])
  })

  it('uac_dlg says 408 when nobody answers', async () => {
    const bob = await SipUa.open('bob')
    const rig = await tmRig({ main: () => {} })
    const result = rig.command('tm:uac_dlg', { method: 'OPTIONS', ruri: bob.uri, headers: HEADERS })
    await bob.nextRequest('OPTIONS')
    await rig.clock.advance(30_000)
    expect(await result).toEqual({ Status: '408 Request Timeout' })
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('uac_dlg refuses headers without From', async () => {
    const rig = await tmRig({ main: () => {} })
    await expect(
      rig.command('tm:uac_dlg', { method: 'OPTIONS', ruri: 'sip:127.0.0.1:9', headers: 'To: <sip:a@b>\r\n' }),
    ).rejects.toThrow('From header missing')
  })

  it('uac_dlg tells what could not be resolved', async () => {
    const rig = await tmRig({ main: () => {} })
    const result = rig.command('tm:uac_dlg', { method: 'OPTIONS', ruri: 'sip:nowhere.invalid', headers: HEADERS })
    expect(await result).toEqual({ Status: '476 Unresolvable destination (476/TM)' })
    expect(rig.stat('tm:inuse_transactions')).toBe(0)
  })

  it('an INVITE is acknowledged when it is answered (RFC 3261 §13.2.2.4)', async () => {
    const bob = await SipUa.open('bob')
    const rig = await tmRig({ main: () => {} })
    const outcome = rig.api.request({
      method: 'INVITE',
      uri: bob.uri,
      from: '<sip:me@a>',
      to: '<sip:bob@b>',
      headers: '',
    })
    bob.reply(await bob.nextRequest('INVITE'), 200, 'OK')
    expect((await outcome).status).toBe(200)
    const ack = await bob.nextRequest('ACK')
    expect([ack.requestUri, ack.toTag]).toEqual([bob.uri, 'bob-tag'])
    await rig.clock.advance(5000)
    expect([rig.stat('tm:inuse_transactions'), rig.clock.pending]).toEqual([0, 0])
  })

  it('uac_cancel cancels a pending INVITE', async () => {
    const bob = await SipUa.open('bob')
    const rig = await tmRig({ main: () => {} })
    const headers = `${HEADERS}Call-ID: own-1\r\nCSeq: 7 INVITE\r\n`
    const result = rig.command('tm:uac_dlg', { method: 'INVITE', ruri: bob.uri, headers })
    const sent = await bob.nextRequest('INVITE')
    bob.reply(sent, 180, 'Ringing')
    await expect.poll(() => rig.stat('tm:received_replies')).toBe(1)
    expect(rig.command('tm:uac_cancel', { callid: 'own-1', cseq: '7' })).toBe('OK')
    await bob.nextRequest('CANCEL')
    bob.reply(sent, 487, 'Request Terminated')
    expect(await result).toMatchObject({ Status: '487 Request Terminated' })
    expect(() => rig.command('tm:uac_cancel', { callid: 'other', cseq: '7' })).toThrow('No such transaction')
  })

  it('run local_route, which changes and drops them', async () => {
    const bob = await SipUa.open('bob')
    const rig = await tmRig({
      main: () => {},
      routes: {
        'local ': m => {
          m.edits.insert(m.message.headersEnd, `X-Context: ${m.avps.get('uac_ctx')}\r\n`)
          m.dropped = m.message.method === 'NOTIFY'
        },
      },
    })
    const from = '<sip:me@a>'
    const dropped = rig.api.request({ method: 'NOTIFY', uri: bob.uri, from, to: from })
    expect((await dropped).status).toBe(403)
    void rig.api.request({ method: 'OPTIONS', uri: bob.uri, from, to: from, context: 'hello' })
    expect(headerOf(await bob.nextRequest('OPTIONS'), 'X-Context')).toBe('hello')
    expect(bob.count({ method: 'NOTIFY' })).toBe(0)
  })

  it('t_new_request sends one without waiting', async () => {
    const alice = await SipUa.open('alice')
    const bob = await SipUa.open('bob')
    const rig = await tmRig({
      main: (m, run) => {
        run(m, 't_new_request', 'MESSAGE', bob.uri, 'Me sip:me@127.0.0.1', 'sip:bob@127.0.0.1', 'text/plain hi there')
        return run(m, 't_reply', 200, 'OK')
      },
    })
    alice.request('OPTIONS', rig.port)
    const sent = await bob.nextRequest('MESSAGE')
    expect([sent.body.toString(), headerOf(sent, 'Content-Type')]).toEqual(['hi there', 'text/plain'])
    expect(headerOf(sent, 'From')).toMatch(/^"Me" <sip:me@127\.0\.0\.1>;tag=/)
  })
})

describe('management of transactions', () => {
  it('reply answers a pending one by its name; hash counts it', async () => {
    const alice = await SipUa.open('alice')
    let id: unknown
    const rig = await tmRig({
      main: (m, run) => {
        run(m, 't_newtran')
        run(m, 't_wait_for_new_branches')
        id = rig.pvar(m, 'T_id')
      },
    })
    alice.request('INVITE', rig.port)
    await alice.nextReply(100)
    await expect.poll(() => id).toMatch(/^[0-9a-f]+\.[0-9a-f]+$/)
    const name = String(id)
      .split('.')
      .map(part => Number.parseInt(part, 16))
    expect(rig.command('tm:hash', {})).toMatchObject({ buckets: [{ index: name[0], current: 1 }] })
    const answer = { code: 480, reason: 'Later', trans_id: name.join(':'), to_tag: 'mine', new_headers: 'X-New: 1' }
    expect(rig.command('tm:reply', answer)).toBe('OK')
    const reply = await alice.nextReply(480)
    expect([reply.toTag, headerOf(reply, 'X-New')]).toEqual(['mine', '1'])
    expect(() => rig.command('tm:reply', { ...answer, trans_id: '1:2' })).toThrow('Transaction not found')
  })

  it('t_reply_by_callid answers another pending INVITE', async () => {
    const alice = await SipUa.open('alice')
    const rig = await tmRig({
      main: (m, run) => {
        if (m.message.method === 'OPTIONS') return run(m, 't_reply_by_callid', 480, 'Later', 'the-call', '3')
        run(m, 't_newtran')
        return run(m, 't_wait_for_new_branches')
      },
    })
    alice.request('INVITE', rig.port, { callId: 'the-call', cseq: 3 })
    await alice.nextReply(100)
    alice.request('OPTIONS', rig.port)
    await alice.nextReply(480, 'INVITE')
  })
})

describe('addresses and headers a user gives', () => {
  it.each([
    ['sip:a@b', '<sip:a@b>'],
    ['Al Ice sip:a@b', '"Al Ice" <sip:a@b>'],
    ['"Al" <sip:a@b>;tag=1', null],
    ['"Al" <sip:a@b>', '"Al" <sip:a@b>'],
    ['', null],
  ])('%s as From', (text, expected) => {
    if (text.includes('tag=')) expect(() => parseUserAddress(text)).not.toThrow()
    else expect(parseUserAddress(text)).toBe(expected)
  })

  it('are taken apart, compact forms and folded lines too', () => {
    expect(
      parseGivenHeaders('f: <sip:a@b>\r\nTo: <sip:c@d>\r\ni: x\r\nCSeq: 5 OPTIONS\r\nX: 1\r\n 2\r\nVia: no\r\n'),
    ).toEqual({
      from: '<sip:a@b>',
      to: '<sip:c@d>',
      callId: 'x',
      cseq: 5,
      others: 'X: 1\r\n 2\r\n',
    })
    expect(parseGivenHeaders('nonsense')).toBeNull()
  })
})
