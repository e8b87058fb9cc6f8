import { describe, expect, it } from 'vitest'
import { ACTIVE_WATCHERS_TABLE, PRESENTITY_TABLE, WATCHERS_TABLE } from '../../../src/modules/presence/tables.ts'
import { XCAP_TABLE } from '../../../src/modules/presence_xml/document-table.ts'
import { roundTrip, until } from '../../interop/scenarios/rig.ts'
import { filledDatabase } from '../../support/filled-database.ts'
import { headerOf, headersOf, SipUa } from '../../support/sip-ua.ts'
import { notified, PIDF, pidf, presenceServer } from './rig.ts'

const EVENT = 'Event: presence\r\n'
type Server = Awaited<ReturnType<typeof presenceServer>>

async function publish(server: Server, bob: SipUa, body: string, headers = ''): Promise<string> {
  server.publish(bob, `${EVENT}${headers}${PIDF}`, body)
  return headerOf(await bob.nextReply(200, 'PUBLISH'), 'SIP-ETag')
}

/** A subscription of alice to bob, with its first NOTIFY answered. */
async function watching(server: Server, alice: SipUa, headers = EVENT) {
  const request = server.subscribe(alice, headers)
  const reply = await alice.nextReply(200, 'SUBSCRIBE')
  const notify = await notified(alice)
  const inDialog = { callId: request.callId, fromTag: request.fromTag, toTag: reply.toTag }
  return { request, reply, notify, inDialog }
}

describe('SUBSCRIBE', () => {
  it.each([
    ['without event', '', {}, 489],
    ['to an unknown event', 'Event: nothing\r\n', {}, 489],
    ['in an unknown dialog', EVENT, { toTag: 'unknown' }, 481],
    ['to nobody', EVENT, { uri: 'sip:127.0.0.1' }, 400],
  ])('%s is refused', async (_what, headers, options, status) => {
    const server = await presenceServer()
    const alice = await SipUa.open('alice')
    server.subscribe(alice, headers, options)
    const reply = await alice.nextReply(status)
    if (status === 489) expect(headerOf(reply, 'Allow-Events')).toContain('presence')
    expect(await server.mi('subs_phtable_list')).toEqual([])
  })

  it('that would take too much to keep is answered 513', async () => {
    const server = await presenceServer()
    const alice = await SipUa.open('alice')
    server.subscribe(alice, `${EVENT}Record-Route: <sip:127.0.0.1;lr;x=${'y'.repeat(9000)}>\r\n`)
    await alice.nextReply(513)
    expect(await server.mi('subs_phtable_list')).toEqual([])
  })

  it('without Contact is answered 400', async () => {
    const server = await presenceServer()
    const alice = await SipUa.open('alice')
    const text = alice.makeRequest('SUBSCRIBE', { headers: EVENT }).replace(/^Contact:.*\r\n/m, '')
    alice.send(text, server.port)
    await alice.nextReply(400)
  })

  it('a retransmission makes no second subscription', async () => {
    const server = await presenceServer()
    const alice = await SipUa.open('alice')
    const text = alice.makeRequest('SUBSCRIBE', { headers: EVENT })
    for (let i = 0; i < 3; i++) alice.send(text, server.port)
    await notified(alice)
    await until(() => alice.count({ status: 200 }) === 3)
    expect(await server.mi('subs_phtable_list')).toHaveLength(1)
  })

  it('the NOTIFY belongs to its dialog: tags, Route set, event id, our Contact', async () => {
    const server = await presenceServer({ params: { contact_user: 'ps', max_expires_subscribe: 100 } })
    const alice = await SipUa.open('alice')
    const route = `<sip:127.0.0.1:${alice.port};lr;n=1>`
    const { request, reply, notify } = await watching(
      server,
      alice,
      `Event: presence;id=7\r\nRecord-Route: ${route}\r\nRecord-Route: <sip:127.0.0.1:9;lr;n=2>\r\n`,
    )
    expect(headersOf(reply, 'Record-Route')).toEqual([route, '<sip:127.0.0.1:9;lr;n=2>'])
    expect(headerOf(reply, 'Expires')).toBe('100')
    expect(notify.requestUri).toBe(alice.uri)
    expect(headersOf(notify, 'Route')).toEqual([route, '<sip:127.0.0.1:9;lr;n=2>'])
    expect([notify.callId, notify.fromTag, notify.toTag]).toEqual([request.callId, reply.toTag, request.fromTag])
    expect(headerOf(notify, 'Event')).toBe('presence;id=7')
    expect(headerOf(notify, 'Contact')).toBe(`<sip:ps@127.0.0.1:${server.port}>`)
    expect(headerOf(notify, 'Subscription-State')).toBe('active;expires=100')
  })

  it('Expires 0 at the start fetches the state once', async () => {
    const server = await presenceServer()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    await publish(server, bob, pidf('a', 'open'))
    const { notify } = await watching(server, alice, `${EVENT}Expires: 0\r\n`)
    expect(headerOf(notify, 'Subscription-State')).toBe('terminated;reason=timeout')
    expect(notify.body.toString()).toBe(pidf('a', 'open'))
    expect(await server.mi('subs_phtable_list')).toEqual([])
  })

  it('is refreshed in its dialog, in the order of CSeq, and expires without', async () => {
    const server = await presenceServer()
    const alice = await SipUa.open('alice')
    const { inDialog } = await watching(server, alice, `${EVENT}Expires: 30\r\n`)
    await server.clock.advance(20_000)
    server.subscribe(alice, `${EVENT}Expires: 30\r\n`, { ...inDialog, cseq: 5 })
    await alice.nextReply(200)
    expect(headerOf(await notified(alice), 'Subscription-State')).toBe('active;expires=30')
    server.subscribe(alice, `${EVENT}Expires: 0\r\n`, { ...inDialog, cseq: 4 })
    await alice.nextReply(500)
    await server.clock.advance(20_000)
    expect(await server.mi('subs_phtable_list')).toMatchObject([{ remote_cseq: 5, local_cseq: 2, expires: 10 }])
    await server.clock.advance(11_000)
    expect(headerOf(await notified(alice), 'Subscription-State')).toBe('terminated;reason=timeout')
    server.subscribe(alice, EVENT, { ...inDialog, cseq: 6 })
    await alice.nextReply(481)
  })
})

describe('NOTIFY', () => {
  it('answered 481 ends the subscription', async () => {
    const server = await presenceServer()
    const alice = await SipUa.open('alice')
    server.subscribe(alice)
    await notified(alice, 481)
    await until(() => server.logged('its subscriber does not take notifications') === 1)
    expect(await server.mi('subs_phtable_list')).toEqual([])
  })

  it.each([
    [1, 0],
    [0, 1],
  ])('not answered, with end_sub_on_timeout %i, leaves %i subscription', async (isEnding, left) => {
    const server = await presenceServer({ params: { end_sub_on_timeout: isEnding } })
    const alice = await SipUa.open('alice')
    server.subscribe(alice)
    await alice.nextRequest('NOTIFY')
    await server.clock.advance(40_000)
    expect(await server.mi('subs_phtable_list')).toHaveLength(left)
  })

  it('is one at a time: who does not answer costs one transaction, and gets the last state when it answers', async () => {
    const server = await presenceServer()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    server.subscribe(alice)
    const first = await alice.nextRequest('NOTIFY')
    let etag = await publish(server, bob, pidf('a', 'open'))
    for (let i = 0; i < 50; i++) etag = await publish(server, bob, pidf(`t${i}`, 'open'), `SIP-If-Match: ${etag}\r\n`)
    await roundTrip(alice, server.port)
    expect(new Set(alice.received.filter(({ method }) => method === 'NOTIFY').map(({ cseq }) => cseq)).size).toBe(1)
    alice.reply(first, 200, 'OK')
    expect((await notified(alice)).body.toString()).toBe(pidf('t49', 'open'))
    await roundTrip(alice, server.port)
    expect(await server.mi('subs_phtable_list')).toMatchObject([{ local_cseq: 2 }])
  })

  it('two hundred watchers are all told', async () => {
    const server = await presenceServer()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    for (let i = 0; i < 200; i++) {
      server.subscribe(alice, EVENT, { callId: `many-${i}` })
      await notified(alice)
    }
    await publish(server, bob, pidf('a', 'open'))
    const told = new Set<string>()
    while (told.size < 200) {
      const notify = await notified(alice)
      if (notify.body.length > 0) told.add(notify.callId)
    }
  })
})

describe('watcher information', () => {
  it('tells who watches, each time it changes', async () => {
    const server = await presenceServer()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const own = await watching(server, bob, 'Event: presence.winfo\r\n')
    expect(own.notify.body.toString()).toContain('version="0" state="full"><watcher-list resource="sip:bob@127.0.0.1"')
    const { inDialog } = await watching(server, alice)
    expect((await notified(bob)).body.toString()).toMatch(
      /version="1".*status="active" .*>sip:alice@127.0.0.1<\/watcher>/s,
    )
    server.subscribe(alice, `${EVENT}Expires: 0\r\n`, { ...inDialog, cseq: 2 })
    await notified(alice)
    expect((await notified(bob)).body.toString()).toContain('package="presence"></watcher-list>')
  })
})

describe('dialog;sla', () => {
  it('goes to everybody but who has published it', async () => {
    const server = await presenceServer()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    await watching(server, alice, 'Event: dialog;sla\r\n')
    await watching(server, bob, 'Event: dialog;sla\r\n')
    server.publish(bob, 'Event: dialog;sla\r\nContent-Type: application/dialog-info+xml\r\n', '<dialog-info/>')
    expect((await notified(alice)).body.toString()).toBe('<dialog-info/>')
    await roundTrip(bob, server.port)
    expect(bob.count({ method: 'NOTIFY' })).toBe(1)
  })
})

describe('rules', () => {
  const rule = (id: string, handling: string): string =>
    `<rule id="${handling}"><conditions><identity><one id="${id}"/></identity></conditions>` +
    `<actions><sub-handling>${handling}</sub-handling></actions></rule>`
  const start = async (rules: string | null, options: Parameters<typeof presenceServer>[0] = {}) => {
    const doc = { id: 1, username: 'bob', domain: '127.0.0.1', doc: `<ruleset>${rules}</ruleset>`, doc_type: 2 }
    const database = await filledDatabase('sqlite', [
      [XCAP_TABLE, rules === null ? [] : [doc]],
      [PRESENTITY_TABLE, []],
      [ACTIVE_WATCHERS_TABLE, []],
      [WATCHERS_TABLE, []],
    ])
    const server = await presenceServer({
      global: `db_default_url="${database.url}"`,
      modules: database.loadmodule,
      xml: { force_active: 0 },
      ...options,
    })
    return { server, alice: await SipUa.open('alice'), bob: await SipUa.open('bob') }
  }

  it('without any a watcher waits: 202 and pending, no state', async () => {
    const { server, alice, bob } = await start(null)
    await publish(server, bob, pidf('a', 'open'))
    server.subscribe(alice)
    await alice.nextReply(202)
    const notify = await notified(alice)
    expect(headerOf(notify, 'Subscription-State')).toMatch(/^pending;expires=\d+$/)
    expect(notify.body.length).toBe(0)
    await publish(server, bob, pidf('b', 'open'))
    await roundTrip(alice, server.port)
    expect(alice.count({ method: 'NOTIFY' })).toBe(1)
  })

  it('force_active of the call lets everybody in', async () => {
    const { server, alice } = await start(rule('sip:alice@127.0.0.1', 'block'), { subscribe: 'handle_subscribe(1);' })
    await watching(server, alice)
  })

  it.each([
    ['allow', 200, 'open'],
    ['polite-block', 200, 'closed'],
    ['confirm', 202, ''],
  ])('%s: %i, state %j', async (handling, status, shown) => {
    const { server, alice, bob } = await start(rule('sip:alice@127.0.0.1', handling))
    await publish(server, bob, pidf('a', 'open'))
    server.subscribe(alice)
    await alice.nextReply(status)
    expect(/<basic>(\w+)</.exec((await notified(alice)).body.toString())?.[1] ?? '').toBe(shown)
  })

  it('block: 403', async () => {
    const { server, alice } = await start(rule('sip:alice@127.0.0.1', 'block'))
    server.subscribe(alice)
    await alice.nextReply(403)
    expect(await server.mi('subs_phtable_list')).toEqual([])
  })

  it('refresh_watchers takes changed rules into account, or sends the state again', async () => {
    const { server, alice } = await start(rule('sip:alice@127.0.0.1', 'confirm'))
    server.subscribe(alice)
    await notified(alice)
    const database = await server.proxy.host.db.open(server.proxy.host.db.urlOf(undefined) ?? '')
    const table = await database.table(XCAP_TABLE)
    const decideOn = async (handling: string): Promise<void> => {
      await table.update({ doc: `<ruleset>${rule('sip:alice@127.0.0.1', handling)}</ruleset>` }, [])
      expect(await server.mi('refresh_watchers', ['sip:bob@127.0.0.1', 'presence', 0])).toBe('OK')
    }
    await decideOn('allow')
    expect(headerOf(await notified(alice), 'Subscription-State')).toMatch(/^active/)
    await server.mi('presence:refresh_watchers', ['sip:bob@127.0.0.1', 'presence', 1])
    await notified(alice)
    await decideOn('block')
    expect(headerOf(await notified(alice), 'Subscription-State')).toBe('terminated;reason=rejected')
    await expect(server.mi('refresh_watchers', ['bob', 'presence', 0])).rejects.toMatchObject({ code: 400 })
  })

  it('with pidf_manipulation a stored document is there beside what was published', async () => {
    const { server, alice, bob } = await start(null, { xml: { pidf_manipulation: 1 } })
    const database = await server.proxy.host.db.open(server.proxy.host.db.urlOf(undefined) ?? '')
    const table = await database.table(XCAP_TABLE)
    await table.insert({
      username: 'bob',
      domain: '127.0.0.1',
      doc: pidf('stored', 'closed'),
      doc_type: 16,
      etag: '',
      source: 0,
      port: 0,
    })
    const { notify } = await watching(server, alice)
    expect(notify.body.toString()).toBe(pidf('stored', 'closed'))
    await publish(server, bob, pidf('a', 'open'))
    expect((await notified(alice)).body.toString().match(/id="\w+"/g)).toEqual(['id="a"', 'id="stored"'])
  })

  it('with enable_sphere_check a new sphere changes who may watch', async () => {
    const onSphere = rule('sip:alice@127.0.0.1', 'allow').replace('<identity>', '<sphere value="work"/><identity>')
    const { server, alice, bob } = await start(onSphere, { params: { enable_sphere_check: 1 } })
    server.subscribe(alice)
    await alice.nextReply(202)
    await notified(alice)
    await publish(server, bob, pidf('a', 'open', '<person id="p"><sphere>work</sphere></person>'))
    expect(headerOf(await notified(alice), 'Subscription-State')).toMatch(/^active/)
  })
})
