import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { freePort } from '../../support/ports.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'
import { joined, startNode, startPair, type TestNode } from './rig.ts'

interface Row {
  readonly node_id: number
  readonly url: string
  readonly link_state: string
  readonly state: string
  readonly next_hop: string
  readonly description: string
}

async function rows(node: TestNode): Promise<readonly Row[]> {
  const { Clusters } = (await node.mi('clusterer_list')) as { Clusters: { Nodes: Row[] }[] }
  return Clusters[0]?.Nodes ?? []
}

const states = (node: TestNode, of: number): readonly number[] =>
  node.events
    .map(event => JSON.parse(event))
    .filter(({ method, params }) => method === 'E_CLUSTERER_NODE_STATE_CHANGED' && params.node_id === of)
    .map(({ params }) => params.new_state)

describe('nodes that find each other', () => {
  it('a node that knows one of two is met by both, and knows both', async () => {
    const [one, two] = await startPair()
    const three = await startNode(3, { neighbours: [[1, one.binPort]], properties: ', description=the new one' })
    await joined(one, two, three)
    await until(() => two.events.some(event => event.includes('"node_id":3,"new_state":1')))
    await until(() => three.events.some(event => event.includes('"node_id":2,"new_state":1')))
    expect((await rows(two)).map(({ node_id, next_hop }) => [node_id, next_hop])).toEqual([
      [1, '1'],
      [3, expect.stringMatching(/^[13]$/)],
    ])
    expect((await rows(two))[1]).toMatchObject({ url: `bin:127.0.0.1:${three.binPort}`, description: 'the new one' })
  })

  it('lists what OpenSIPS lists', async () => {
    const [one, two] = await startPair()
    expect(await one.mi('clusterer:list')).toEqual({
      Clusters: [
        {
          cluster_id: 1,
          Nodes: [
            {
              node_id: 2,
              db_id: -1,
              url: `bin:127.0.0.1:${two.binPort}`,
              link_state: 'Up',
              state: 'enabled',
              next_hop: '2',
              description: 'none',
            },
          ],
        },
      ],
    })
    await until(() => two.up === 1)
    const topology = {
      Clusters: [
        {
          cluster_id: 1,
          Nodes: [
            { node_id: 1, Neighbours: [2] },
            { node_id: 2, Neighbours: [1] },
          ],
        },
      ],
    }
    for (let found: unknown; JSON.stringify(found) !== JSON.stringify(topology); )
      found = await one.mi('clusterer_list_topology')
    expect(await one.mi('clusterer_list_cap')).toEqual({ Clusters: [{ cluster_id: 1, Capabilities: [] }] })
  })

  it('a node that has stopped is down at once, and met when it comes back', async () => {
    const [one, two] = await startPair()
    await two.stop()
    await until(() => one.up === 0)
    expect(states(one, 2)).toEqual([1, 0])
    const again = await startNode(2, { binPort: two.binPort, neighbours: [[1, one.binPort]] })
    await joined(one, again)
    expect(states(one, 2)).toEqual([1, 0, 1])
    expect((await rows(one))[0]?.link_state).toBe('Up')
  })

  it('a node that cannot be reached is probed, then down, and tried again after node_timeout', async () => {
    const port = await freePort()
    const one = await startNode(1, { neighbours: [[2, port]] })
    const linkState = async (): Promise<string> => (await rows(one))[0]?.link_state ?? ''
    expect(await linkState()).toBe('Probe')
    while ((await linkState()) !== 'Down') await one.clock.advance(1000)
    const two = await startNode(2, { binPort: port })
    await one.clock.advance(60_000)
    await joined(one, two)
    expect(await linkState()).toBe('Up')
  })

  it('statistics count the nodes', async () => {
    const [one, two] = await startPair()
    const { stats } = one.proxy.proxy.host
    const counts = (): (number | undefined)[] =>
      ['clusterer_nodes', 'clusterer_nodes_up', 'clusterer_nodes_down'].map(name => stats.find(name)?.read())
    expect(counts()).toEqual([1, 1, 0])
    await two.stop()
    await until(() => one.up === 0)
    expect(counts()).toEqual([1, 0, 1])
  })
})

describe('ways by other nodes', () => {
  const SENDER = `loadmodule "sl.so"
    route { cluster_send_req(1, $(rU{s.int}), "hi", $avp(tag)); $var(rc) = $rc; sl_send_reply(200, "$var(rc)"); }`

  /** Two nodes that look for each other where nobody is, and a third that both find. */
  async function startTriangle(script: string): Promise<readonly TestNode[]> {
    const nowhere = await freePort()
    const three = await startNode(3, { script })
    const hub = [3, three.binPort] as const
    const one = await startNode(1, { script, neighbours: [[2, nowhere], hub] })
    const two = await startNode(2, { script, neighbours: [[1, nowhere], hub] })
    await until(() => three.up === 2)
    return [one, two, three]
  }

  async function send(node: TestNode, to: number): Promise<string> {
    const ua = await SipUa.open('ua')
    ua.request('MESSAGE', node.proxy.port, { uri: `sip:${to}@127.0.0.1` })
    return (await ua.nextReply(200)).reason
  }

  it('messages go by a third node where there is no link', async () => {
    const [one, two] = (await startTriangle(SENDER)) as [TestNode, TestNode]
    await until(() => one.up === 2 && two.up === 2)
    expect((await rows(one)).find(({ node_id }) => node_id === 2)).toMatchObject({ next_hop: '3', link_state: 'Probe' })
    expect(await send(one, 2)).toBe('1')
    await until(() => two.events.some(event => event.includes('"src_id":1,"msg":"hi"')))
  })

  it('without enable_rerouting only neighbours are reached', async () => {
    const script = `modparam("clusterer", "enable_rerouting", 0)\n${SENDER}`
    const [one, two] = (await startTriangle(script)) as [TestNode, TestNode]
    await until(() => one.up === 1 && two.up === 1)
    expect([await send(one, 3), await send(one, 2)]).toEqual(['1', '-2'])
  })

  it('when the third node goes, there is no way any more', async () => {
    const [one, , three] = (await startTriangle(SENDER)) as [TestNode, TestNode, TestNode]
    await until(() => one.up === 2)
    await three.stop()
    await until(() => one.up === 0)
    expect([states(one, 2), states(one, 3)]).toEqual([
      [1, 0],
      [1, 0],
    ])
  })
})

describe('management', () => {
  it('a disabled node is down for the others, and back when it is enabled', async () => {
    const [one, two] = await startPair()
    await one.mi('clusterer_set_status', { cluster_id: 1, status: 0 })
    await until(() => two.up === 0)
    expect(one.up).toBe(0)
    await one.mi('clusterer_set_status', { cluster_id: 1, status: 1 })
    await until(() => one.up === 1)
    await two.clock.advance(1_000)
    await joined(one, two)
  })

  it('a node can stop talking to one other', async () => {
    const [one, two] = await startPair()
    await one.mi('clusterer_set_status', { cluster_id: 1, node_id: 2, status: 0 })
    await until(() => two.up === 0)
    expect((await rows(one))[0]).toMatchObject({ state: 'disabled', link_state: 'Down', next_hop: 'none' })
    await one.mi('clusterer_set_status', { cluster_id: 1, node_id: 2, status: 1 })
    await until(() => one.up === 1)
  })

  it('a removed node is out everywhere until it is started anew', async () => {
    const [one, two] = await startPair()
    const three = await startNode(3, { neighbours: [[1, one.binPort]] })
    await joined(one, two, three)
    await one.mi('clusterer_remove_node', { cluster_id: 1, node_id: 3 })
    await until(() => two.up === 1)
    expect([one.up, (await rows(one)).length, (await rows(two)).length]).toEqual([1, 1, 1])
    await three.stop()
    const clock = new VirtualClock(three.clock.nowMs() + 1)
    const again = await startNode(3, { binPort: three.binPort, neighbours: [[1, one.binPort]], clock })
    await joined(one, two, again)
  })

  it.each([
    ['clusterer_set_status', { cluster_id: 9, status: 1 }, 'Cluster id not found'],
    ['clusterer_set_status', { cluster_id: 1, node_id: 9, status: 1 }, 'Node id not found'],
    ['clusterer_set_status', { cluster_id: 1, status: 2 }, 'Bad status'],
    ['clusterer_remove_node', { cluster_id: 1, node_id: 9 }, 'Node id not found'],
    ['clusterer_reload', {}, 'db mode 0'],
    ['clusterer_shtag_set_active', { tag: 'vip' }, 'name/cluster'],
    ['clusterer_shtag_set_active', { tag: 'vip/9' }, 'Cluster id not found'],
    ['clusterer_set_cap_status', { cluster_id: 1, capability: 'x', status: 1 }, 'Capability not found'],
    ['clusterer_send_mi', { cluster_id: 1, destination: 9, cmd_name: 'ps' }, 'unreachable'],
  ])('%s %j is refused: %s', async (command, params, message) => {
    const node = await startNode(1)
    await expect(node.mi(command, params)).rejects.toThrow(message)
  })

  it('a command runs on another node, or on all', async () => {
    const [one, two] = await startPair()
    const level = (node: TestNode): unknown => node.proxy.proxy.host.logger.level
    await one.mi('clusterer_send_mi', { cluster_id: 1, destination: 2, cmd_name: 'log_level', cmd_params: ['-1'] })
    await until(() => level(two) === -1)
    expect(level(one)).not.toBe(-1)
    await one.mi('clusterer_broadcast_mi', { cluster_id: 1, cmd_name: 'log_level', cmd_params: ['2'] })
    await until(() => level(two) === 2)
    expect(level(one)).toBe(2)
  })
})
