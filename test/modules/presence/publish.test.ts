import { describe, expect, it } from 'vitest'
import { roundTrip, Stream, until } from '../../interop/scenarios/rig.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { notified, PIDF, pidf, presenceServer } from './rig.ts'

const EVENT = 'Event: presence\r\n'
const published = async (
  server: Awaited<ReturnType<typeof presenceServer>>,
  bob: SipUa,
  headers: string,
  body = '',
) => {
  server.publish(bob, `${EVENT}${headers}`, body)
  return headerOf(await bob.nextReply(200), 'SIP-ETag')
}

describe('PUBLISH', () => {
  it.each([
    ['an initial one without body', EVENT, '', 400],
    ['a malformed document', `${EVENT}${PIDF}`, '<presence>', 400],
    ['another document', `${EVENT}${PIDF}`, '<html/>', 400],
    ['an entity bomb', `${EVENT}${PIDF}`, '<!DOCTYPE p [<!ENTITY a "b">]><presence>&a;</presence>', 400],
    ['a tower of elements', `${EVENT}${PIDF}`, '<presence>'.repeat(3000), 400],
    ['another content type', `${EVENT}Content-Type: text/plain\r\n`, 'open', 415],
    ['no event', PIDF, pidf('a', 'open'), 489],
    ['an event that cannot be published', `Event: presence.winfo\r\n${PIDF}`, pidf('a', 'open'), 489],
    ['an unknown tag', `${EVENT}SIP-If-Match: x\r\n${PIDF}`, pidf('a', 'open'), 412],
  ])('%s is refused with its status, raises nothing and leaves nothing', async (_what, headers, body, status) => {
    const server = await presenceServer()
    const bob = await SipUa.open('bob')
    server.publish(bob, headers, body)
    await bob.nextReply(status)
    expect(server.raised()).toEqual([])
    expect(await server.mi('pres_phtable_list')).toEqual([])
  })

  it('a Request-URI without user is answered 400', async () => {
    const server = await presenceServer()
    const bob = await SipUa.open('bob')
    server.publish(bob, `${EVENT}${PIDF}`, pidf('a', 'open'), { uri: 'sip:127.0.0.1' })
    await bob.nextReply(400)
  })

  it('each one has a new tag, and only the last one counts; a refresh tells nobody', async () => {
    const server = await presenceServer()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    server.subscribe(alice)
    await notified(alice)
    const e1 = await published(server, bob, PIDF, pidf('a', 'open'))
    expect((await notified(alice)).body.toString()).toBe(pidf('a', 'open'))
    const e2 = await published(server, bob, `SIP-If-Match: ${e1}\r\n`)
    expect(e2).not.toBe(e1)
    server.publish(bob, `${EVENT}SIP-If-Match: ${e1}\r\n`)
    await bob.nextReply(412)
    const e3 = await published(server, bob, `SIP-If-Match: ${e2}\r\n${PIDF}`, pidf('a', 'closed'))
    expect((await notified(alice)).body.toString()).toBe(pidf('a', 'closed'))
    expect(alice.count({ method: 'NOTIFY' })).toBe(3)
    expect(
      server.raised().map(({ method, params }) => [method, params['old_etag'], params['etag'], params['body']]),
    ).toEqual([
      ['E_PRESENCE_PUBLISH', null, e1, pidf('a', 'open')],
      ['E_PRESENCE_PUBLISH', e1, e2, ''],
      ['E_PRESENCE_PUBLISH', e2, e3, pidf('a', 'closed')],
    ])
  })

  it('what several phones publish is one document, and what expires goes', async () => {
    const server = await presenceServer({ params: { notify_offline_body: 1 } })
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    server.subscribe(alice)
    expect((await notified(alice)).body.toString()).toContain('<basic>closed</basic>')
    await published(server, bob, `Expires: 20\r\n${PIDF}`, pidf('old', 'closed'))
    await notified(alice)
    await server.clock.advance(10)
    await published(server, bob, `Expires: 100\r\n${PIDF}`, pidf('new', 'open'))
    const both = (await notified(alice)).body.toString()
    expect(both.match(/id="\w+"/g)).toEqual(['id="new"', 'id="old"'])
    await server.clock.advance(20_000)
    expect((await notified(alice)).body.toString()).toBe(pidf('new', 'open'))
    await server.clock.advance(81_000)
    expect((await notified(alice)).body.toString()).toContain('entity="sip:bob@127.0.0.1"')
    expect(await server.mi('pres_phtable_list')).toEqual([])
  })

  it.each([
    ['', '200'],
    ['Expires: 60\r\n', '50'],
    ['Expires: 4294967295\r\n', '200'],
    ['Expires: soon\r\n', '200'],
    ['Expires: 5\r\n', '0'],
  ])('%j is granted %s, with max_expires_publish 210 and expires_offset 10', async (headers, expected) => {
    const server = await presenceServer({ params: { max_expires_publish: 210, expires_offset: 10 } })
    const bob = await SipUa.open('bob')
    server.publish(bob, `${EVENT}${headers}${PIDF}`, pidf('a', 'open'))
    expect(headerOf(await bob.nextReply(200), 'Expires')).toBe(expected)
  })

  it('with era = 2.4 the event is one of 2.4', async () => {
    const server = await presenceServer({ global: 'era=2.4' })
    const bob = await SipUa.open('bob')
    const etag = await published(server, bob, `Expires: 7\r\n${PIDF}`, pidf('a', 'open'))
    const expected = { user: 'bob', domain: '127.0.0.1', event: 'presence', expires: 7, etag, body: pidf('a', 'open') }
    const [event] = server.raised()
    expect(Object.entries(event?.params ?? {})).toEqual(Object.entries(expected))
  })

  it('presence:expose tells of what its filter matches', async () => {
    const server = await presenceServer()
    const bob = await SipUa.open('bob')
    const etag = await published(server, bob, `Expires: 100\r\n${PIDF}`, pidf('a', 'open'))
    server.publish(bob, `${EVENT}${PIDF}`, pidf('c', 'open'), { uri: 'sip:carol@127.0.0.1' })
    await bob.nextReply(200)
    server.raised()
    expect(await server.mi('pres_expose', ['presence', 'sip:bob*'])).toBe('OK')
    expect(server.raised()).toEqual([
      {
        jsonrpc: '2.0',
        method: 'E_PRESENCE_EXPOSED',
        params: {
          user: 'bob',
          domain: '127.0.0.1',
          event: 'presence',
          expires: 100,
          old_etag: null,
          etag,
          body: pidf('a', 'open'),
        },
      },
    ])
    await server.mi('presence:expose', ['presence'])
    expect(server.raised()).toHaveLength(2)
    await expect(server.mi('presence:expose', ['nothing'])).rejects.toMatchObject({ code: 404 })
    expect(await server.mi('presence:phtable_list')).toEqual([
      { pres_uri: 'sip:bob@127.0.0.1', event: 'presence', publ_count: 1 },
      { pres_uri: 'sip:carol@127.0.0.1', event: 'presence', publ_count: 1 },
    ])
  })
})

describe('floods', () => {
  it('of unknown tags leave nothing behind', async () => {
    const server = await presenceServer()
    const bob = await SipUa.open('bob')
    for (let i = 0; i < 500; i++) {
      server.publish(bob, `${EVENT}SIP-If-Match: x${i}\r\n${PIDF}`, pidf('a', 'open'))
      if (i % 25 === 24) await until(() => bob.count({ status: 412 }) === i + 1)
    }
    expect(await server.mi('pres_phtable_list')).toEqual([])
    await server.clock.advance(40_000)
    expect(server.proxy.host.stats.find('inuse_transactions')?.read()).toBe(0)
  })

  it('of new documents of one presentity end with 503', async () => {
    const server = await presenceServer()
    const bob = await SipUa.open('bob')
    for (let i = 0; i < 16; i++) await published(server, bob, PIDF, pidf(`t${i}`, 'open'))
    server.publish(bob, `${EVENT}${PIDF}`, pidf('more', 'open'))
    expect(headerOf(await bob.nextReply(503), 'Retry-After')).toBe('60')
  })

  it('a document over 64 KiB is answered 413, ten megabytes are not even read, and service goes on', async () => {
    const server = await presenceServer()
    const bob = await SipUa.open('bob', 'tcp')
    server.publish(bob, `${EVENT}${PIDF}`, pidf('a', 'open', `<note>${'x'.repeat(70_000)}</note>`))
    await bob.nextReply(413)
    const stream = await Stream.open(server.port)
    const huge = bob.makeRequest('PUBLISH', { headers: `${EVENT}${PIDF}`, body: 'x'.repeat(10_000_000) })
    stream.write(huge)
    await until(() => stream.isClosed)
    const carol = await SipUa.open('carol')
    await roundTrip(carol, server.port)
    await published(server, carol, PIDF, pidf('a', 'open'))
  })
})
