import { describe, expect, it } from 'vitest'
import { Datagrams, startScenario } from '../../interop/scenarios/rig.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { BARE, FLOODER, flood, SLIDES, seenBy } from './rig.ts'

async function start(script = SLIDES) {
  const scenario = await startScenario(script)
  const flooder = await SipUa.open('flooder', 'udp', FLOODER)
  const seen = seenBy(flooder, scenario)
  return { scenario, flooder, flood: (count = 300) => flood(flooder, scenario, count, seen) }
}

describe('scenario 8: block, event route, unblock', () => {
  it('a flood of 300 requests is answered until the block and dropped from then on', async () => {
    const { scenario, flooder, flood } = await start()
    await flood()
    const answered = flooder.count({ status: 200 })
    // 30 to split each byte off but the last, which is one more each, and 29 at the whole address.
    expect(answered).toBe(61)
    expect(scenario.logged(`drop ${FLOODER}`)).toBe(300 - 61)
  })

  it('says once that it blocks, raises the event once, and lists the address', async () => {
    const { scenario, flood } = await start()
    await flood()
    expect(scenario.logged(`PIKE - BLOCKing ip ${FLOODER}, node=0x`)).toBe(1)
    expect(scenario.logged(`IP ${FLOODER} has been blocked`)).toBe(1)
    expect(await scenario.mi('pike_list')).toEqual({ IPs: [FLOODER] })
    expect(await scenario.mi('pike:list')).toEqual({ IPs: [FLOODER] })
  })

  it('has the identifier `main` of group `pike` ready, as recorded, and reports the address there', async () => {
    const { scenario, flood } = await start()
    await flood()
    expect(await scenario.mi('sr_list_status', { group: 'pike' })).toEqual([
      { Name: 'pike', Identifiers: [{ Name: 'main', Readiness: true, Status: 1 }] },
    ])
    expect(await scenario.mi('sr_list_reports', { group: 'pike' })).toMatchObject([
      { Name: 'pike', Identifiers: [{ Name: 'main', Reports: [{ Log: `IP ${FLOODER} detected as flooding` }] }] },
    ])
  })

  it('a neighbour that differs in the last byte only is answered meanwhile', async () => {
    const { scenario, flood } = await start()
    await flood()
    const alice = await SipUa.open('alice')
    alice.request('OPTIONS', scenario.port)
    await alice.nextReply(200)
  })

  it('is unblocked within two units after the flood, and a second flood raises the event again', async () => {
    const { scenario, flooder, flood } = await start()
    await scenario.clock.advance(500)
    await flood()
    await scenario.clock.advance(1600)
    expect(scenario.logged('PIKE - UNBLOCKing')).toBe(0)
    await scenario.clock.advance(2000)
    expect(scenario.logged('PIKE - UNBLOCKing node 0x')).toBe(1)
    expect(await scenario.mi('pike_list')).toEqual({ IPs: [] })
    const answered = flooder.count({ status: 200 })
    await flood(1)
    expect(flooder.count({ status: 200 })).toBe(answered + 1)
    await flood()
    expect(scenario.logged(`IP ${FLOODER} has been blocked`)).toBe(2)
  })

  it('pike_rm unblocks at once; another time it says that the address is not blocked', async () => {
    const { scenario, flooder, flood } = await start()
    await flood()
    expect(await scenario.mi('pike_rm', { ip: FLOODER })).toBe('OK')
    expect(scenario.logged(`PIKE - UNBLOCKing ip ${FLOODER}`)).toBe(1)
    await expect(scenario.mi('pike:rm', { ip: FLOODER })).rejects.toMatchObject({
      code: 400,
      message: 'IP not blocked',
    })
    const answered = flooder.count({ status: 200 })
    await flood(1)
    expect(flooder.count({ status: 200 })).toBe(answered + 1)
  })

  it.each([
    ['pike', 500, 'Bad IP'],
    ['127.0.0', 500, 'Bad IP'],
    ['192.0.2.1', 404, 'Match not found'],
    ['2001:db8::1', 404, 'Match not found'],
  ])('pike:rm of %s is refused with %i %s', async (ip, code, message) => {
    const { scenario } = await start()
    await expect(scenario.mi('pike:rm', { ip })).rejects.toMatchObject({ code, message })
  })
})

describe('scenario 9: subscription with expiry', () => {
  it.each([
    ['', `{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"${FLOODER}"}}`],
    ['era = 2.4\n', `E_PIKE_BLOCKED\nip::${FLOODER}\n\n`],
  ])('%j: a flood before the expiry sends one datagram, a flood after it none', async (era, payload) => {
    const { scenario, flood } = await start(`${era}${BARE}\nloadmodule "event_datagram.so"\n`)
    const events = await Datagrams.open()
    const socket = `udp:127.0.0.1:${events.port}`
    await scenario.mi('event_subscribe', { event: 'E_PIKE_BLOCKED', socket, expire: 5 })
    await flood()
    expect(await events.next()).toBe(payload)
    await scenario.clock.advance(1000)
    const listed = JSON.stringify(await scenario.mi('subscribers_list', { event: 'E_PIKE_BLOCKED' }))
    expect(listed).toContain('"ttl":4')
    await scenario.clock.advance(5000)
    await flood()
    expect(scenario.logged('PIKE - BLOCKing')).toBe(2)
    await scenario.mi('event_subscribe', { event: 'E_PIKE_UNBLOCKED', socket, expire: 5 })
    await scenario.mi('pike_rm', { ip: FLOODER })
    expect(await events.next()).toContain('E_PIKE_UNBLOCKED')
    expect(events.received).toHaveLength(2)
  })

  it('after the expiry nobody is listed', async () => {
    const { scenario } = await start(`${BARE}\nloadmodule "event_datagram.so"\n`)
    await scenario.mi('event_subscribe', { event: 'E_PIKE_BLOCKED', socket: 'udp:127.0.0.1:9', expire: 5 })
    await scenario.clock.advance(6000)
    expect(await scenario.mi('subscribers_list', { event: 'E_PIKE_BLOCKED' })).toEqual({ Event: {} })
  })
})

describe('the recording: 100 OPTIONS, 30 in 2 s', () => {
  it('raises the event once, lists the address, and unblocks within 9 s', async () => {
    const { scenario, flood } = await start(`${BARE}\nloadmodule "event_datagram.so"\n`)
    const events = await Datagrams.open()
    await scenario.mi('event_subscribe', { event: 'E_PIKE_BLOCKED', socket: `udp:127.0.0.1:${events.port}` })
    await flood(100)
    expect(await events.next()).toBe(`{"jsonrpc":"2.0","method":"E_PIKE_BLOCKED","params":{"ip":"${FLOODER}"}}`)
    expect(await scenario.mi('pike:list')).toEqual({ IPs: [FLOODER] })
    await scenario.clock.advance(9000)
    expect(await scenario.mi('pike:list')).toEqual({ IPs: [] })
    expect(events.received).toHaveLength(1)
  })
})
