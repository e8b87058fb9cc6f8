import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import registrar from '../../../src/modules/registrar/index.ts'
import usrloc from '../../../src/modules/usrloc/index.ts'
import { headerOf, moduleRig } from './module-rig.ts'

const golden = join(import.meta.dirname, '../../fixtures/golden')
const read = (name: string) => readFileSync(join(golden, name), 'utf8')

/** Second at which the first registration of the recordings was made. */
const STARTED_MS = 1795187780_000

/** What was recorded for one step: the request, the reply and the events. */
function recording(name: string) {
  const [request = '', reply = ''] = read(`usrloc/${name}.req`).split('--- reply ---\n')
  return { request, reply: reply.trimStart(), events: read(`usrloc/${name}.out`).trim().split('\n') }
}

/** Times depend on when the recording ran. */
const timeless = (events: readonly string[]) => events.map(event => event.replace(/"expires":\d+/, '"expires":0'))

function rig() {
  const made = moduleRig([usrloc, registrar], {
    startMs: STARTED_MS,
    params: { usrloc: { timer_interval: 2 }, registrar: { min_expires: 1 } },
  })
  made.start()
  const register = (text: string) => {
    const verdict = made.call(made.context(text), 'save', 'location')
    return { verdict, events: made.raised(), reply: made.replies.at(-1)! }
  }
  return { ...made, register }
}

describe('registrations as recorded', () => {
  it('raises the recorded events for the whole sequence and answers with the recorded Contact lists', async () => {
    const { register, clock } = rig()
    const step = (name: string) => {
      const { request, events, reply } = recording(name)
      const got = register(request)
      expect(timeless(got.events), name).toEqual(timeless(events))
      expect(headerOf(got.reply, 'Contact'), name).toBe(headerOf(reply, 'Contact'))
    }
    step('register_new')
    step('reregister_refresh')
    await clock.advance(1000)
    step('register_second_contact')
    // Between these two recordings the second contact was refreshed with CSeq 2: the DELETE carries it.
    register(recording('register_second_contact').request.replace('CSeq: 1 ', 'CSeq: 2 '))
    await clock.advance(1000)
    step('unregister_one')
    step('carol_register')
    step('carol_retransmit_same_cseq')
    step('carol_new_callid')
  })

  it('gives the expiry of the recording to the second', () => {
    const { register } = rig()
    const { request, events } = recording('register_new')
    expect(register(request).events).toEqual(events)
  })

  it('removes an expired contact by the timer, contact first, then address', async () => {
    const { register, clock, raised, stats } = rig()
    const inserted = recording('register_short_insert')
    expect(timeless(register(inserted.request).events)).toEqual(timeless(inserted.events))
    await clock.advance(4000)
    expect(timeless(raised())).toEqual(timeless(recording('expiry').events))
    expect(stats.find('usrloc:location-expires')?.read()).toBe(1)
    expect(stats.find('usrloc:registered_users')?.read()).toBe(0)
  })

  it('adds and removes contacts by command', async () => {
    const { command, raised, build } = rig()
    build('save', 'location')
    const run = async (name: string) => {
      const { request, events } = recording(name)
      const { method, params } = JSON.parse(request)
      expect(await command(method, params)).toBe('OK')
      expect(timeless(raised())).toEqual(timeless(events))
    }
    await run('mi_ul_add')
    await run('mi_ul_rm_contact')
  })
})

describe('commands as recorded', () => {
  const result = (name: string) => JSON.parse(read(`mi/${name}.datagram.out`))
  const request = (name: string) => JSON.parse(read(`mi/${name}.datagram.req`))

  it.each(['ul_dump', 'ul_dump_brief'])(
    '%s lists tables with the recorded members in the recorded order',
    async name => {
      const { register, mi } = rig()
      register(recording('register_new').request.replace('expires=60', 'expires=600'))
      const answer = await mi.handle(JSON.stringify(request(name)))
      const masked = (text: string) => text.replace(/"ContactID":"\d+"/, '"ContactID":""')
      expect(masked(answer!)).toBe(masked(read(`mi/${name}.datagram.out`).trim()))
    },
  )

  it.each(['ul_show_contact_none', 'ul_show_contact_badtable'])('%s is refused as recorded', async name => {
    const { build, mi } = rig()
    build('save', 'location')
    expect(JSON.parse((await mi.handle(JSON.stringify(request(name))))!)).toEqual(result(name))
  })

  it('ul_rm, ul_rm_contact and ul_flush answer OK', async () => {
    const { build, command } = rig()
    build('save', 'location')
    const add = (aor: string, uri: string) => command('ul_add', ['location', aor, uri, 0, '', 0, 0, 0])
    await add('zed@example.org', 'sip:zed@127.0.0.1:7000')
    await add('yan@example.org', 'sip:yan@127.0.0.1:7001')
    for (const name of ['ul_rm', 'ul_rm_contact', 'ul_flush']) {
      const { method, params } = request(name)
      expect(await command(method, params)).toBe(result(name).result)
    }
  })
})
