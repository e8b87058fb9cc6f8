import { describe, expect, it } from 'vitest'
import { parseShared } from '../../../src/modules/dialog/shared-dialog.ts'
import { freePort } from '../../support/ports.ts'
import { startProxy } from '../../support/running-proxy.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { until } from '../../support/until.ts'
import { joined, startNode, startPair, type TestNode } from '../clusterer/rig.ts'
import { Call } from './call-rig.ts'

const SHARED = `
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "acc.so"
modparam("dialog", "dialog_replication_cluster", 1)
modparam("dialog", "profile_replication_cluster", 1)
modparam("dialog", "profiles_with_value", "caller/b; own")
modparam("dialog", "profiles_no_value", "all/b")
modparam("acc", "extra_fields", "evi: who")
route {
  if (has_totag()) {
    if (!loose_route()) match_dialog();
    t_relay(); exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  record_route();
  create_dialog("bye-on-timeout");
  $DLG_timeout = 100;
  $dlg_val(who) = "x";
  set_dlg_flag("vip");
  set_dlg_profile("caller", "alice");
  set_dlg_profile("all");
  set_dlg_profile("own", "o");
  do_accounting("evi", "cdr");
  $acc_extra(who) = "alice";
  if ($hdr(X-Tag) != NULL) set_dlg_sharing_tag("$hdr(X-Tag)");
  t_relay();
}`

const statistic = (node: TestNode, name: string): number =>
  node.proxy.proxy.host.stats.find(`dialog:${name}`)?.read() ?? Number.NaN
const active = (node: TestNode): number => statistic(node, 'active_dialogs')

/** The events of dialog and acc on a node from now on. */
function eventsOf(node: TestNode) {
  const events: { name: string; values: Record<string, unknown> }[] = []
  node.proxy.proxy.host.bus.tail((event, subscription) => {
    const names = event.names ?? []
    if (subscription === null && /^E_(DLG|ACC)/.test(event.name))
      events.push({ name: event.name, values: Object.fromEntries(names.map((name, i) => [name, event.values[i]])) })
  })
  return events
}

async function callThrough(node: TestNode, callId: string, headers = '') {
  const [alice, bob] = [await SipUa.open('alice'), await SipUa.open('bob')]
  const call = new Call({ alice, bob, proxy: node.proxy }, callId, { headers, uri: bob.uri })
  return { alice, bob, call: await call.establish() }
}

/** A BYE of alice to a node that has not seen the call. */
async function hangUpThrough(node: TestNode, { alice, bob }: { alice: SipUa; bob: SipUa }, callId: string) {
  alice.request('BYE', node.proxy.port, { uri: bob.uri, callId, fromTag: `${callId}-a`, toTag: `${callId}-b`, cseq: 2 })
  bob.reply(await bob.nextRequest('BYE'), 200, 'OK')
  await alice.nextReply(200, 'BYE')
}

describe('dialogs of a cluster', () => {
  it('an answered call is known at the other node, and can be ended there, with its CDR', async () => {
    const [one, two] = await startPair({ script: SHARED })
    const [first, second] = [eventsOf(one), eventsOf(two)]
    const parties = await callThrough(one, 'shared')
    await until(() => statistic(two, 'update_recv') > 0)
    const [mine, theirs] = await Promise.all([one, two].map(node => node.mi('dlg_list_ctx', { callid: 'shared' })))
    expect(JSON.parse(JSON.stringify(theirs).replaceAll(/"udp:[^"]*"/g, '""'))).toEqual(
      JSON.parse(JSON.stringify(mine).replaceAll(/"udp:[^"]*"/g, '""')),
    )
    expect([active(one), active(two), second]).toEqual([1, 1, []])
    const told = first.length
    await hangUpThrough(two, parties, 'shared')
    await until(() => active(one) === 0 && second.some(({ name }) => name === 'E_ACC_CDR'))
    expect([active(two), first.slice(told)]).toEqual([0, []])
    expect(second.find(({ name }) => name === 'E_ACC_CDR')?.values).toMatchObject({ callid: 'shared', who: 'alice' })
    expect(['create_sent', 'delete_recv'].map(name => statistic(one, name))).toEqual([1, 1])
    expect(['create_recv', 'delete_sent'].map(name => statistic(two, name))).toEqual([1, 1])
  })

  it('the node that is left ends the call at its time, and counts its requests on from those of the other', async () => {
    const pinging = SHARED.replace('"bye-on-timeout"', '"bye-on-timeout,options-ping-callee"')
    const script = `${pinging}\nmodparam("dialog", "options_ping_interval", 80)`
    const [one, two] = await startPair({ script })
    const { alice, bob } = await callThrough(one, 'left')
    await until(() => statistic(two, 'update_recv') > 0)
    const before = statistic(two, 'update_recv')
    await one.clock.advance(80_000)
    const ping = await bob.nextRequest('OPTIONS')
    bob.reply(ping, 200, 'OK')
    await until(() => statistic(two, 'update_recv') > before)
    await one.stop()
    await until(() => two.up === 0)
    await two.clock.advance(100_000)
    const byes = await Promise.all([alice, bob].map(phone => phone.nextRequest('BYE')))
    for (const [i, phone] of [alice, bob].entries()) phone.reply(byes[i]!, 200, 'OK')
    expect(byes[1]!.cseq).toBeGreaterThan(ping.cseq)
    expect([active(two), statistic(two, 'expired_dialogs')]).toEqual([0, 1])
  })

  it('with a sharing tag the node that is active for it does, whichever the call came by', async () => {
    const script = `modparam("clusterer", "sharing_tag", "vip/1=backup")\n${SHARED}`
    const [one, two] = await startPair({ script })
    await two.mi('clusterer_shtag_set_active', { tag: 'vip/1' })
    const { alice, bob } = await callThrough(one, 'tagged', 'X-Tag: vip\r\n')
    await until(() => statistic(two, 'update_recv') > 0)
    await one.clock.advance(101_000)
    expect([active(one), bob.count({ method: 'BYE' })]).toEqual([1, 0])
    await two.clock.advance(101_000)
    for (const phone of [alice, bob]) phone.reply(await phone.nextRequest('BYE'), 200, 'OK')
    await until(() => active(one) === 0)
  })

  it('a node that starts gets the calls there are; one that was cut off is told which have ended', async () => {
    const [first, second] = [await freePort(), await freePort()]
    const seed = await startNode(1, {
      script: SHARED,
      binPort: first,
      properties: ', flags=seed',
      neighbours: [[2, second]],
    })
    await seed.clock.advance(5_000)
    const parties = await callThrough(seed, 'early-bird')
    const late = await startNode(2, { script: SHARED, binPort: second, neighbours: [[1, first]] })
    await joined(seed, late)
    await until(() => active(late) === 1)
    expect(await late.mi('profile_get_size', { profile: 'own' })).toMatchObject({ Profile: { count: 1 } })
    await late.mi('clusterer_set_status', { cluster_id: 1, status: 0 })
    await until(() => seed.up === 0 && late.up === 0)
    await parties.call.hangUp()
    await late.mi('clusterer_set_status', { cluster_id: 1, status: 1 })
    await until(() => active(late) === 0)
    expect(await late.mi('dlg_cluster_sync')).toBe('OK')
  })

  it.each([
    [null],
    [{ op: 'end' }],
    [{ op: 'put', owner: 1, version: 1, shtag: '', snapshot: { row: {} } }],
    [{ op: 'put', owner: 'x', version: 1, shtag: '' }],
  ])('%j of another node is passed over', body => {
    expect(parseShared(body)).toBe(null)
  })
})

describe('profiles of a cluster', () => {
  const size = async (node: TestNode, profile: string, value?: string): Promise<number> => {
    const given = value === undefined ? { profile } : { profile, value }
    return ((await node.mi('profile_get_size', given)) as { Profile: { count: number } }).Profile.count
  }
  /** Lets both nodes tell each other what they count. */
  async function tell(...nodes: readonly TestNode[]): Promise<void> {
    for (const node of nodes) await node.clock.advance(200)
  }
  async function counts(node: TestNode, profile: string, wanted: number, value?: string): Promise<void> {
    while ((await size(node, profile, value)) !== wanted) await new Promise(resolve => setImmediate(resolve))
  }

  it('count the calls of all nodes once, and those of a lost node no longer', async () => {
    const alone = SHARED.replace('"dialog_replication_cluster", 1', '"dialog_replication_cluster", 0')
    const [one, two] = await startPair({ script: alone })
    await callThrough(one, 'p1')
    await callThrough(two, 'p2')
    await tell(one, two)
    for (const node of [one, two]) {
      await counts(node, 'caller', 2, 'alice')
      await counts(node, 'caller', 2)
      await counts(node, 'all', 2)
      expect([await size(node, 'own'), await node.mi('profile_get_values', { profile: 'caller' })]).toEqual([
        1,
        { Values: [{ value: 'alice', count: 2 }] },
      ])
    }
    expect(await one.mi('list_all_profiles')).toMatchObject({
      Profiles: [{ name: 'caller', replicated: 'yes' }, { name: 'own', replicated: 'no' }, {}],
    })
    await two.stop()
    await counts(one, 'caller', 1, 'alice')
  })

  it('count a shared call at the node responsible for it only, also when that changes', async () => {
    const [one, two] = await startPair({ script: SHARED })
    await callThrough(one, 'p3')
    await until(() => statistic(two, 'update_recv') > 0)
    await tell(one, two)
    for (const node of [one, two]) await counts(node, 'all', 1)
    await one.stop()
    await until(() => two.up === 0)
    await counts(two, 'all', 1)
  })

  it.each([
    ['dialog_replication_cluster", 1', /clusterer.so/],
    ['profiles_no_value", "all/b"', /"all\/b" needs profile_replication_cluster/],
    ['profiles_no_value", "all/x"', /expected "\/b", shared with a cluster, or "\/s"/],
    ['replicate_profiles_timer", 0', /replicate_profiles_timer: expected at least 1/],
  ])('%s by itself stops the start', async (param, fault) => {
    const script = `loadmodule "tm.so"\nloadmodule "rr.so"\nloadmodule "dialog.so"
      modparam("dialog", "${param})\nroute { exit; }`
    await expect(startProxy(script)).rejects.toThrow(fault)
  })
})
