import { describe, expect, it } from 'vitest'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'
import { startNode, startPair, type TestNode } from './rig.ts'

/** Sends what the user part of a MESSAGE says, and tells code and tag in the reason of the reply. */
const SENDER = `
loadmodule "sl.so"
route {
  if ($rU == "all") cluster_broadcast_req(1, $rb, $avp(tag));
  else if ($rU == "selfish") cluster_broadcast_req(1, $rb, $avp(tag), 1);
  else if ($rU == "quoted") { $var(id) = 1; $var(text) = $rb; cluster_broadcast_req("$var(id)", "$var(text)", "$avp(tag)"); }
  else if ($rU == "strange") cluster_send_req(7, 2, $rb, $avp(tag));
  else cluster_send_req(1, $(rU{s.int}), $rb, $avp(tag));
  $var(rc) = $rc;
  sl_send_reply(200, "$var(rc) $avp(tag)");
}
event_route[E_CLUSTERER_REQ_RECEIVED] {
  if ($param(msg) == "ask") cluster_send_rpl($param(cluster_id), $param(src_id), "answer", $param(tag));
}
event_route[E_CLUSTERER_RPL_RECEIVED] {
  fetch_event_params("cluster_id=$avp(c);source_id=$avp(s);msg=$avp(m);tag=$avp(t)");
  xlog("reply $avp(m) of $avp(s) in $avp(c) to $avp(t)\\n");
}`

/** Gives code and tag. */
async function say(node: TestNode, user: string, body: string): Promise<readonly [string, string]> {
  const ua = await SipUa.open('ua')
  ua.request('MESSAGE', node.proxy.port, { uri: `sip:${user}@127.0.0.1`, body })
  const [code = '', tag = ''] = (await ua.nextReply(200)).reason.split(' ')
  return [code, tag]
}

const received = (kind: 'REQ' | 'RPL', source: number, msg: string, tag: string): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    method: `E_CLUSTERER_${kind}_RECEIVED`,
    params: { cluster_id: 1, src_id: source, msg, tag },
  })

describe('messages between scripts', () => {
  it('a broadcast reaches the other node byte for byte, under a tag that the script knows, and not this one', async () => {
    const [one, two] = await startPair({ script: SENDER })
    const text = 'I_LOVE_OPENSIPS "{}"\\ ünïcode \u{1f600} \u0001'
    const [code, tag] = await say(one, 'all', text)
    await until(() => two.events.includes(received('REQ', 1, text, tag)))
    expect(code).toBe('1')
    expect(tag).toMatch(/^1-1-[\w-]{24}$/)
    expect(one.events.filter(event => event.includes('REQ_RECEIVED'))).toEqual([])
  })

  it('scripts of 2.x may write everything in quotes', async () => {
    const [one, two] = await startPair({ script: SENDER })
    const [code, tag] = await say(one, 'quoted', 'hello')
    await until(() => two.events.includes(received('REQ', 1, 'hello', tag)))
    expect(code).toBe('1')
  })

  it('include_self raises the event here too, and this node can answer itself', async () => {
    const [one, two] = await startPair({ script: SENDER })
    const [, tag] = await say(one, 'selfish', 'ask')
    const replies = [received('RPL', 1, 'answer', tag), received('RPL', 2, 'answer', tag)]
    await until(() => replies.every(reply => one.events.includes(reply)))
    expect(two.events.filter(event => event.includes('RPL_RECEIVED'))).toEqual([])
  })

  it('a request to one node is answered under its tag; source_id is another name of src_id', async () => {
    const [one] = await startPair({ script: SENDER })
    const [code, tag] = await say(one, '2', 'ask')
    await until(() => one.proxy.log.some(line => line.includes(`reply answer of 2 in 1 to ${tag}`)))
    expect(code).toBe('1')
  })

  it('two requests never have the same tag', async () => {
    const [one] = await startPair({ script: SENDER })
    expect((await say(one, '2', 'x'))[1]).not.toBe((await say(one, '2', 'x'))[1])
  })

  it('−1 disabled here, −2 no way to the node, −3 this node is not in that cluster', async () => {
    const [one] = await startPair({ script: SENDER })
    expect((await say(one, '9', 'x'))[0]).toBe('-2')
    expect((await say(one, 'strange', 'x'))[0]).toBe('-3')
    await one.mi('clusterer_set_status', { cluster_id: 1, status: 0 })
    expect((await say(one, 'all', 'x'))[0]).toBe('-1')
  })

  it('alone: −2, but a broadcast to itself too is sent', async () => {
    const node = await startNode(1, { script: SENDER })
    expect((await say(node, 'all', 'x'))[0]).toBe('-2')
    const [code, tag] = await say(node, 'selfish', 'x')
    await until(() => node.events.includes(received('REQ', 1, 'x', tag)))
    expect(code).toBe('1')
  })
})

describe('cluster_check_addr', () => {
  const CHECK = `
loadmodule "sl.so"
route {
  $var(codes) = "";
  cluster_check_addr(1, $rb); $var(codes) = $var(codes) + $rc;
  cluster_check_addr(1, $rb, "sip"); $var(codes) = $var(codes) + $rc;
  cluster_check_addr(1, $rb, "bin"); $var(codes) = $var(codes) + $rc;
  sl_send_reply(200, "$var(codes)");
}`
  const ask = async (node: TestNode, address: string): Promise<string> => {
    const ua = await SipUa.open('ua')
    ua.request('MESSAGE', node.proxy.port, { body: address })
    return (await ua.nextReply(200)).reason
  }

  it('knows the SIP address a node says of itself, and that of its URL', async () => {
    const [one] = await startPair({ script: CHECK, properties: ', sip_addr=10.9.8.7' })
    await until(() => one.up === 1)
    expect(await ask(one, '10.9.8.7')).toBe('11-1')
    expect(await ask(one, '127.0.0.1')).toBe('1-11')
    expect(await ask(one, '10.0.0.1')).toBe('-1-1-1')
    expect(await ask(one, 'nonsense')).toBe('-1-1-1')
  })
})
