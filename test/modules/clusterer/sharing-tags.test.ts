import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'
import { startPair, type TestNode } from './rig.ts'

const TAGGED = `
modparam("clusterer", "sharing_tag", "vip/1=backup")
loadmodule "sl.so"
route {
  if ($rU == "take") $cluster.sh_tag(vip/1) = "active";
  if ($rU == "take1") $cluster.sh_tag(vip/1) = 1;
  if ($rU == "leave") $cluster.sh_tag(vip/1) = 0;
  sl_send_reply(200, "$cluster.sh_tag(vip/1)");
}`

const listed = (node: TestNode): Promise<unknown> => node.mi('clusterer_list_shtags')
const row = (State: string): object => ({ Tag: 'vip', Cluster: 1, State })
const changes = (node: TestNode): readonly string[] =>
  node.events.filter(event => event.includes('SHARING_TAG_CHANGED')).map(event => JSON.parse(event).params)

async function ask(node: TestNode, user: string): Promise<string> {
  const ua = await SipUa.open('ua')
  ua.request('MESSAGE', node.proxy.port, { uri: `sip:${user}@127.0.0.1` })
  return (await ua.nextReply(200)).reason
}

describe('sharing tags', () => {
  it('management makes one node active, and so the other backup; both tell it by an event', async () => {
    const [one, two] = await startPair({ script: TAGGED })
    expect([await listed(one), await listed(two)]).toEqual([[row('backup')], [row('backup')]])
    expect(await one.mi('clusterer_shtag_set_active', { tag: 'vip/1' })).toBe('OK')
    expect(one.events.at(-1)).toBe(
      '{"jsonrpc":"2.0","method":"E_CLUSTERER_SHARING_TAG_CHANGED","params":{"name":"vip","cluster":1,"state":"active","reason":"MI command"}}',
    )
    await two.mi('clusterer_shtag_set_active', { tag: 'vip/1' })
    await until(() => changes(one).length === 2)
    expect(changes(one)[1]).toEqual({ name: 'vip', cluster: 1, state: 'backup', reason: 'cluster broadcast from 2' })
    expect([await listed(one), await listed(two)]).toEqual([[row('backup')], [row('active')]])
  })

  it('a script reads and sets the state', async () => {
    const [one, two] = await startPair({ script: TAGGED })
    expect(await ask(one, 'read')).toBe('backup')
    expect(await ask(one, 'take')).toBe('active')
    expect(await ask(two, 'take1')).toBe('active')
    await until(() => changes(one).length === 2)
    expect(await ask(one, 'read')).toBe('backup')
    expect(await ask(two, 'leave')).toBe('backup')
    expect(changes(two).at(-1)).toEqual({ name: 'vip', cluster: 1, state: 'backup', reason: 'script variable' })
  })

  it('of two nodes that both start as active one stays so when they meet', async () => {
    const script = 'modparam("clusterer", "sharing_tag", "vip / 1 = active")'
    const [one, two] = await startPair({ script })
    await until(() => changes(one).length + changes(two).length === 1)
    expect([...((await listed(one)) as object[]), ...((await listed(two)) as object[])]).toEqual(
      expect.arrayContaining([row('active'), row('backup')]),
    )
  })
})
