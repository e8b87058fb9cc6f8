import { describe, expect, it } from 'vitest'
import { ACTIVE_WATCHERS_TABLE, PRESENTITY_TABLE, WATCHERS_TABLE } from '../../../src/modules/presence/tables.ts'
import { until } from '../../interop/scenarios/rig.ts'
import { DATABASES, filledDatabase } from '../../support/filled-database.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { notified, PIDF, pidf, presenceServer } from './rig.ts'

const EVENT = 'Event: presence\r\n'
type Server = Awaited<ReturnType<typeof presenceServer>>

async function rows(server: Server, url: string) {
  const database = await server.proxy.host.db.open(url)
  return {
    published: await (await database.table(PRESENTITY_TABLE)).select(),
    subscribed: await (await database.table(ACTIVE_WATCHERS_TABLE)).select(),
  }
}

describe.each(DATABASES)('presence in a database (%s)', kind => {
  async function start(params: Readonly<Record<string, number>> = {}) {
    const database = await filledDatabase(kind, [
      [PRESENTITY_TABLE, []],
      [ACTIVE_WATCHERS_TABLE, []],
      [WATCHERS_TABLE, []],
    ])
    const options = { params: { db_url: database.url, ...params }, modules: database.loadmodule }
    return { options, url: database.url, folder: database.folder, server: await presenceServer(options) }
  }

  it('what was published and subscribed to is there after a restart, where it was', async () => {
    const { options, folder, server } = await start()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const subscribe = server.subscribe(alice, `Event: presence;id=x\r\nExpires: 600\r\n`)
    const { toTag } = await alice.nextReply(200)
    await notified(alice)
    const body = pidf('a', 'open', '<note>a:b\\c\n"ä"</note>')
    server.publish(bob, `${EVENT}Expires: 500\r\n${PIDF}`, body)
    const etag = headerOf(await bob.nextReply(200), 'SIP-ETag')
    await notified(alice)
    await server.clock.advance(1000)
    await server.stop()
    const again = await presenceServer({ ...options, clock: server.clock, inPlaceOf: { port: server.port, folder } })
    expect(await again.mi('subs_phtable_list')).toMatchObject([{ local_cseq: 1002, expires: 599, to_tag: toTag }])
    again.publish(bob, `${EVENT}SIP-If-Match: ${etag}\r\n${PIDF}`, pidf('b', 'open'))
    await bob.nextReply(200)
    const notify = await notified(alice)
    expect([notify.cseq, notify.toTag, headerOf(notify, 'Event')]).toEqual([1003, subscribe.fromTag, 'presence;id=x'])
    await again.mi('refresh_watchers', ['sip:bob@127.0.0.1', 'presence', 1])
    await notified(alice)
  })

  it('a document comes back as it was', async () => {
    const { options, folder, server } = await start()
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const body = pidf('a', 'open', '<note>a:b\\c\r\n"ä"</note>')
    server.publish(bob, `${EVENT}${PIDF}`, body)
    await bob.nextReply(200)
    await server.stop()
    const again = await presenceServer({ ...options, clock: server.clock, inPlaceOf: { port: server.port, folder } })
    again.subscribe(alice, EVENT)
    expect((await notified(alice)).body.toString()).toBe(body)
  })

  it('rows go with what they stand for, and what others left to expire is cleaned up', async () => {
    const { url, server } = await start({ db_update_period: 1, clean_period: 50 })
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const database = await server.proxy.host.db.open(url)
    const others = await database.table(PRESENTITY_TABLE)
    const expires = Math.floor(server.clock.nowMs() / 1000) + 30
    await others.insert({
      username: 'x',
      domain: 'd',
      event: 'presence',
      etag: 'e',
      expires,
      received_time: 0,
      body: '',
    })
    server.subscribe(alice, `${EVENT}Expires: 10\r\n`)
    await notified(alice)
    server.publish(bob, `${EVENT}Expires: 10\r\n${PIDF}`, pidf('a', 'open'))
    await bob.nextReply(200)
    await notified(alice)
    await server.clock.advance(2000)
    await server.mi('presence:cleanup')
    const before = await rows(server, url)
    expect(before.published.map(({ username }) => username).toSorted()).toEqual(['bob', 'x'])
    expect(before.subscribed).toMatchObject([
      { watcher_username: 'alice', presentity_uri: 'sip:bob@127.0.0.1', status: 1 },
    ])
    await server.clock.advance(10_000)
    await server.mi('presence:cleanup')
    const after = await rows(server, url)
    expect(after.published.map(({ username }) => username)).toEqual(['x'])
    expect(after.subscribed).toEqual([])
    await server.clock.advance(60_000)
    await server.mi('presence:cleanup')
    expect((await rows(server, url)).published).toEqual([])
  })
})

describe('fallback2db', () => {
  it('a second proxy on the same database refreshes what the first one has taken', async () => {
    const database = await filledDatabase('sqlite', [
      [PRESENTITY_TABLE, []],
      [ACTIVE_WATCHERS_TABLE, []],
      [WATCHERS_TABLE, []],
    ])
    const options = { params: { db_url: database.url, fallback2db: 1 }, modules: database.loadmodule }
    const first = await presenceServer(options)
    const second = await presenceServer(options)
    const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
    const { callId, fromTag } = first.subscribe(alice, EVENT)
    const { toTag } = await alice.nextReply(200)
    await notified(alice)
    first.publish(bob, `${EVENT}${PIDF}`, pidf('a', 'open'))
    const etag = headerOf(await bob.nextReply(200), 'SIP-ETag')
    await notified(alice)
    await first.mi('presence:cleanup')
    second.publish(bob, `${EVENT}SIP-If-Match: ${etag}\r\n${PIDF}`, pidf('b', 'open'))
    await bob.nextReply(200)
    second.subscribe(alice, EVENT, { callId, fromTag, toTag, cseq: 2 })
    await alice.nextReply(200)
    expect((await notified(alice)).body.toString()).toBe(pidf('b', 'open'))
    second.subscribe(alice, EVENT, { callId, fromTag, toTag: 'other', cseq: 3 })
    await alice.nextReply(481)
    second.publish(bob, `${EVENT}SIP-If-Match: nothing\r\n`)
    await bob.nextReply(412)
    expect(first.logged('ERROR') + second.logged('ERROR')).toBe(0)
  })

  it('a database that fails keeps nobody from being served', async () => {
    const database = await filledDatabase('sqlite', [
      [PRESENTITY_TABLE, []],
      [ACTIVE_WATCHERS_TABLE, []],
      [WATCHERS_TABLE, []],
    ])
    const options = { params: { db_url: database.url, fallback2db: 1 }, modules: database.loadmodule }
    const server = await presenceServer(options)
    const bob = await SipUa.open('bob')
    await server.proxy.host.db.close(['sqlite'])
    server.publish(bob, `${EVENT}${PIDF}`, pidf('a', 'open'))
    await bob.nextReply(200)
    await until(() => server.logged('were not written to the database') > 0)
    server.publish(bob, `${EVENT}SIP-If-Match: nothing\r\n`)
    await bob.nextReply(500)
  })
})
