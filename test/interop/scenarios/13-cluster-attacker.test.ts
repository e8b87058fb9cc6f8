import { describe, expect, it } from 'vitest'
import { credentialsFor } from '../../support/digest-client.ts'
import { freePort } from '../../support/ports.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { tableFolder } from '../../support/table-files.ts'
import { type Scenario, startScenario, until } from './rig.ts'

/** Word for word behind the line that says so. */
const SCRIPT = `
listen=udp:127.0.0.1:@PORT@
listen=bin:127.0.0.1:@BIN@
loadmodule "proto_bin.so"
loadmodule "clusterer.so"
loadmodule "event_route.so"
loadmodule "cachedb_local.so"
loadmodule "db_text.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("usrloc", "db_mode", 0)
modparam("auth_db", "db_url", "text://@DB@")
modparam("auth_db", "calculate_ha1", 1)
modparam("auth_db", "password_column", "password")
modparam("clusterer", "db_mode", 0)
modparam("clusterer", "current_id", @ID@)
modparam("clusterer", "my_node_info", "cluster_id=1, url=bin:127.0.0.1:@BIN@, flags=seed")
@NEIGHBOUR@
route {
    if (cache_fetch("local", "bad-$si", $var(x))) { drop; }
    if ($rm == "MESSAGE") {
        $var(cl_id) = 1;
        $var(msg_str) = $rb;
        cluster_broadcast_req("$var(cl_id)", "$var(msg_str)", "$avp(tag)");
        $var(rc) = $rc;
        sl_send_reply("200", "$var(rc) $avp(tag)"); exit;
    }
    # word for word
    if ($rm == "REGISTER") {
        www_authorize("", "subscriber");
        $var(rc) = $rc;
        if ($var(rc) == -1) {
            $var(cl_id) = 1;
            $var(msg_str) = "HACKER|" + $si;
            cluster_broadcast_req("$var(cl_id)", "$var(msg_str)", "$avp(tag)");
            cache_store("local", "bad-$si", "1", 600);
            sl_send_reply("403", "Forbidden"); exit;
        }
        if ($var(rc) < 0) { www_challenge("", "0"); exit; }
        save("location"); exit;
    }
    sl_send_reply("404", "Not Found");
}
event_route [E_CLUSTERER_REQ_RECEIVED] {
    fetch_event_params("cluster_id=$avp(clid);src_id=$avp(source_id);msg=$avp(rcv_msg);tag=$avp(tag)");
    xlog("node $avp(source_id) says $avp(rcv_msg)\\n");
    if ($(avp(rcv_msg){s.select,0,|}) == "HACKER")
        cache_store("local", "bad-$(avp(rcv_msg){s.select,1,|})", "1", 600);
    xlog("tag $avp(tag)\\n");
}
`

const TABLES = {
  version: 'table_name(str) table_version(int)\nsubscriber:7\n',
  subscriber: 'username(str) domain(str) password(str) ha1(str)\nalice:127.0.0.1:secret:\n',
}

interface Node {
  readonly scenario: Scenario
  readonly bin: number
}

const neighbour = (id: number, port: number): string =>
  `modparam("clusterer", "neighbor_node_info", "cluster_id=1, node_id=${id}, url=bin:127.0.0.1:${port}")`

async function startNode(id: number, bin: number, other: readonly [number, number]): Promise<Node> {
  const { folder, write } = tableFolder()
  for (const [name, text] of Object.entries(TABLES)) write(name, text)
  const names = { ID: id, BIN: bin, DB: folder, NEIGHBOUR: neighbour(...other) }
  return { scenario: await startScenario(SCRIPT, names), bin }
}

async function startPair(): Promise<readonly [Node, Node]> {
  const [first, second] = [await freePort(), await freePort()]
  const nodes = [await startNode(1, first, [2, second]), await startNode(2, second, [1, first])] as const
  await until(() => nodes.every(({ scenario }) => scenario.stat('clusterer_nodes_up') === 1))
  return nodes
}

/** Registers as an unknown user: without credentials, then with some on the nonce that came. */
async function attack(attacker: SipUa, port: number): Promise<void> {
  const options = { uri: 'sip:127.0.0.1', to: 'sip:hacker@127.0.0.1' }
  attacker.request('REGISTER', port, options)
  const challenge = await attacker.nextReply(401)
  const credentials = credentialsFor(challenge, { username: 'hacker', password: 'guess' })
  attacker.request('REGISTER', port, { ...options, cseq: 2, headers: `Authorization: ${credentials}\r\n` })
}

/** Has node 1 broadcast a text; gives code and tag. */
async function broadcast({ scenario }: Node, text: string): Promise<readonly string[]> {
  const ua = await SipUa.open('operator')
  ua.request('MESSAGE', scenario.port, { body: text })
  return (await ua.nextReply(200)).reason.split(' ')
}

describe('scenario 13: nodes share the address of an attacker', () => {
  it('an unknown user gets 401, then 403; the other node hears of it and answers the address no more', async () => {
    const [one, two] = await startPair()
    const attacker = await SipUa.open('hacker', 'udp', '127.0.0.9')
    await attack(attacker, one.scenario.port)
    await attacker.nextReply(403)
    await until(() => two.scenario.logged('node 1 says HACKER|127.0.0.9') === 1)
    const answered = attacker.received.length
    attacker.request('OPTIONS', two.scenario.port)
    attacker.request('OPTIONS', one.scenario.port)
    const bystander = await SipUa.open('bystander')
    for (const { scenario } of [one, two]) {
      bystander.request('OPTIONS', scenario.port)
      await bystander.nextReply(404)
    }
    expect(attacker.received.length).toBe(answered)
  })

  it('a nonce that was made up gives 401 again, and nobody is told', async () => {
    const [one, two] = await startPair()
    const stranger = await SipUa.open('stranger', 'udp', '127.0.0.9')
    const credentials =
      'Digest username="hacker", realm="127.0.0.1", nonce="made-up", uri="sip:127.0.0.1", response="00000000000000000000000000000000"'
    stranger.request('REGISTER', one.scenario.port, {
      uri: 'sip:127.0.0.1',
      to: 'sip:hacker@127.0.0.1',
      headers: `Authorization: ${credentials}\r\n`,
    })
    await stranger.nextReply(401)
    await broadcast(one, 'after')
    await until(() => two.scenario.logged('node 1 says after') === 1)
    expect(two.scenario.logged('HACKER')).toBe(0)
  })

  it('a text arrives byte for byte, with a tag', async () => {
    const [one, two] = await startPair()
    const [code, tag = ''] = await broadcast(one, 'I_LOVE_OPENSIPS')
    await until(
      () => two.scenario.logged('node 1 says I_LOVE_OPENSIPS') === 1 && two.scenario.logged(`tag ${tag}`) === 1,
    )
    expect([code, tag.length > 0]).toEqual(['1', true])
  })

  it('with the other node down a broadcast gives −2 and the script goes on; back again, the next one arrives', async () => {
    const [one, two] = await startPair()
    await two.scenario.proxy.stop(AbortSignal.abort())
    await until(() => one.scenario.stat('clusterer_nodes_up') === 0)
    expect((await broadcast(one, 'lost'))[0]).toBe('-2')
    const again = await startNode(2, two.bin, [1, one.bin])
    await until(() => one.scenario.stat('clusterer_nodes_up') === 1 && again.scenario.stat('clusterer_nodes_up') === 1)
    expect((await broadcast(one, 'found'))[0]).toBe('1')
    await until(() => again.scenario.logged('node 1 says found') === 1)
  })

  it('a third node that knows the first alone is learned by the second', async () => {
    const [one, two] = await startPair()
    const three = await startNode(3, await freePort(), [1, one.bin])
    await until(() => [one, two, three].every(({ scenario }) => scenario.stat('clusterer_nodes_up') === 2))
    const links = async (): Promise<readonly (readonly [number, string])[]> => {
      const { Clusters } = (await two.scenario.mi('clusterer_list')) as {
        Clusters: { Nodes: { node_id: number; link_state: string }[] }[]
      }
      return Clusters[0]!.Nodes.map(({ node_id, link_state }) => [node_id, link_state] as const)
    }
    let found = await links()
    while (found.some(([, state]) => state !== 'Up')) found = await links()
    expect(found.map(([id]) => id)).toEqual([1, 3])
  })

  it('assigning what a function gives is refused with file, line and column', async () => {
    const script = 'loadmodule "auth_db.so"\nroute {\n  $var(rc) = www_authorize("", "subscriber");\n}\n'
    await expect(startProxy(script)).rejects.toThrow(/test\.cfg:3:\d+/)
  })
})
