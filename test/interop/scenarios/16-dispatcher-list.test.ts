import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { roundTrip, type Scenario, startScenario, until } from './rig.ts'

const SCRIPT = `
debug=9
log_stderror=yes
check_via=no
dns=off
rev_dns=off
listen=udp:127.0.0.1:@PORT@
loadmodule "maxfwd.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "@LIST@")
route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483","To Many Hops"); drop; }
    if (!ds_select_dst("@SET@", "@ALG@")) { xlog("nothing chosen, du is $du\\n"); }
    forward();
}
`

interface Farm {
  readonly scenario: Scenario
  /** The first two are in set 2, the others in set 1. */
  readonly gateways: readonly SipUa[]
  readonly phone: SipUa
  readonly list: string
  /** Sends requests with these Call-IDs and gives how many each gateway got of them. */
  counts(callIds: readonly string[]): Promise<readonly number[]>
}

async function start(set: string, algorithm: string): Promise<Farm> {
  const gateways: SipUa[] = []
  for (let i = 1; i <= 5; i++) gateways.push(await SipUa.open(`g${i}`))
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-list-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const list = join(folder, 'dispatcher.list')
  writeFileSync(list, gateways.map(({ port }, i) => `${i < 2 ? 2 : 1} sip:127.0.0.1:${port}\n`).join(''))
  const scenario = await startScenario(SCRIPT, { LIST: list, SET: set, ALG: algorithm })
  const phone = await SipUa.open('phone')
  const counts = async (callIds: readonly string[]): Promise<readonly number[]> => {
    const before = gateways.map(gateway => gateway.received.length)
    const got = (): number[] => gateways.map((gateway, i) => gateway.received.length - (before[i] ?? 0))
    const sum = (): number => got().reduce((total, count) => total + count, 0)
    for (const [i, callId] of callIds.entries()) {
      phone.request('OPTIONS', scenario.port, { callId })
      await until(() => sum() > i)
    }
    await roundTrip(phone, scenario.port)
    return got()
  }
  return { scenario, gateways, phone, list, counts }
}

const callIds = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `call-${i}-${(i * 7919) % 1009}@phone`)

describe('scenario 16: dispatcher with a list file', () => {
  it('algorithm 0: the same Call-ID always reaches the same gateway, a thousand of them split evenly', async () => {
    const { counts } = await start('2', '0')
    const same = await counts(new Array<string>(10).fill('always@phone'))
    expect([...same].sort()).toEqual([0, 0, 0, 0, 10])
    const [first = 0, second = 0, ...others] = await counts(callIds(1000))
    expect(first + second).toBe(1000)
    expect(first).toBeGreaterThanOrEqual(400)
    expect(first).toBeLessThanOrEqual(600)
    expect(others).toEqual([0, 0, 0])
  })

  it('algorithm 4 alternates strictly', async () => {
    const { gateways, counts } = await start('2', '4')
    expect(await counts(callIds(10))).toEqual([5, 5, 0, 0, 0])
    const order = (i: number) => gateways[i]?.received.map(message => message.callId)
    expect(order(0)).toEqual(callIds(10).filter((_, i) => i % 2 === 0))
    expect(order(1)).toEqual(callIds(10).filter((_, i) => i % 2 === 1))
  })

  it('algorithm 6 is random within the set', async () => {
    const { counts } = await start('2', '6')
    const [first = 0, second = 0, ...others] = await counts(callIds(200))
    expect([first + second, others]).toEqual([200, [0, 0, 0]])
    expect(Math.min(first, second)).toBeGreaterThan(40)
  })

  it.each(['8', '99'])('algorithm %s takes the first', async algorithm => {
    const { scenario, counts } = await start('2', algorithm)
    expect(await counts(callIds(5))).toEqual([5, 0, 0, 0, 0])
    expect(scenario.logged('unknown algorithm') > 0).toBe(algorithm === '99')
  })

  it('an unknown set: false, $du stays unset and the request goes to its Request-URI', async () => {
    const { scenario, gateways, phone } = await start('3', '0')
    const elsewhere = await SipUa.open('elsewhere')
    phone.request('OPTIONS', scenario.port, { uri: elsewhere.uri })
    await elsewhere.nextRequest('OPTIONS')
    expect(scenario.logged('nothing chosen, du is <null>')).toBe(1)
    expect(gateways.map(gateway => gateway.received.length)).toEqual([0, 0, 0, 0, 0])
  })

  it('ds_list shows both sets; an edited file is taken over by ds_reload, a malformed one is not', async () => {
    const { scenario, gateways, list, counts } = await start('2', '8')
    const sets = async () => {
      const listed = (await scenario.mi('ds_list')) as {
        PARTITIONS: { SETS: { id: number; Destinations: { URI: string }[] }[] }[]
      }
      return listed.PARTITIONS[0]?.SETS.map(({ id, Destinations }) => [id, Destinations.length])
    }
    expect(await sets()).toEqual([
      [1, 3],
      [2, 2],
    ])
    writeFileSync(list, `# changed\n2 sip:127.0.0.1:${gateways[3]?.port} 0 1 some=attrs # here\n\n`)
    expect(await scenario.mi('ds_reload')).toBe('OK')
    expect(await sets()).toEqual([[2, 1]])
    expect(await counts(callIds(3))).toEqual([0, 0, 0, 3, 0])
    writeFileSync(list, '2 sip:127.0.0.1:6001\n1\n')
    await expect(scenario.mi('ds_reload')).rejects.toMatchObject({
      code: 500,
      message: 'ERROR Reloading data',
      data: `${list}:2: expected a URI behind the number of the set`,
    })
    expect(await sets()).toEqual([[2, 1]])
  })
})
