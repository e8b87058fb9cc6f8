import { describe, expect, it } from 'vitest'
import { startProxy } from '../../support/running-proxy.ts'
import { headersOf } from '../../support/sip-ua.ts'
import { answerByes, Call, callRig } from './call-rig.ts'

describe('values kept with a call', () => {
  it('are seen in branch, reply and failure routes and inside the call', async () => {
    const rig = await callRig({
      invite: `create_dialog(); $dlg_val(who) = "carol"; $dlg_val(n) = 5; store_dlg_value("s", "$var(x)");
        t_on_branch("b"); t_on_reply("r"); t_on_failure("f");`,
      inside:
        'if (is_method("BYE")) { fetch_dlg_value("who", $var(v)); xlog("bye $var(v) $dlg_val(n) $DLG_status\\n"); }',
      routes: `branch_route[b] { xlog("branch $dlg_val(who) $DLG_status\\n"); }
        onreply_route[r] { xlog("reply $rs $dlg_val(who) $DLG_status\\n"); }
        failure_route[f] { xlog("failure $dlg_val(who)\\n"); $dlg_val(who) = NULL; }`,
    })
    await (await new Call(rig, 'v1').establish()).hangUp()
    const busy = await new Call(rig, 'v2').begin()
    rig.bob.reply(busy.arrived, 486, 'Busy Here')
    rig.alice.ack(busy.invite, await rig.alice.nextReply(486), rig.proxy.port)
    const log = rig.proxy.log.join('')
    for (const text of ['branch carol 1', 'reply 180 carol 2', 'reply 200 carol 2', 'bye carol 5 5', 'failure carol'])
      expect(log).toContain(text)
  })

  it('can be listed, found and read from elsewhere', async () => {
    const rig = await callRig({
      invite: `create_dialog(); $dlg_val(plan) = "gold"; $dlg_val(to) = $rU;`,
      inside: `if (is_method("INFO")) {
          get_dialog_info("to", $avp(to), "plan", "gold", $var(n)); xlog("info $avp(to) $var(n)\\n");
          get_dialog_vals($avp(names), $avp(values), "found"); xlog("vals $(avp(names)[*]) $(avp(values)[*])\\n");
          get_dialogs_by_val("plan", "gold", $avp(json), $var(m)); xlog("json $var(m) $avp(json)\\n");
          if (load_dialog_ctx("found")) { xlog("loaded $dlg_val(plan) $DLG_did\\n"); unload_dialog_ctx(); }
          if (!load_dialog_ctx("nobody")) xlog("nobody\\n");
        }`,
    })
    const call = await new Call(rig, 'found').establish()
    call.fromAlice('INFO')
    rig.bob.reply(await rig.bob.nextRequest('INFO'), 200, 'OK')
    await rig.alice.nextReply(200, 'INFO')
    const log = rig.proxy.log.join('')
    for (const text of ['info bob 1', 'vals to, plan bob, gold', 'json 1 {"ID":"', 'loaded gold ', 'nobody'])
      expect(log).toContain(text)
    expect(await rig.mi('dlg_list_ctx', ['found'])).toMatchObject({
      Dialogs: [
        {
          state: 4,
          callid: 'found',
          from_uri: 'sip:alice@127.0.0.1',
          to_uri: 'sip:bob@127.0.0.1',
          caller_tag: 'found-a',
          CALLEES: [{ callee_tag: 'found-b', callee_contact: rig.bob.uri, caller_cseq: '2' }],
          context: { values: [{ plan: 'gold' }, { to: 'bob' }] },
        },
      ],
    })
    await rig.mi('dialog:push_var', { dlg_val_name: 'more', dlg_val_value: 'x', DID: ['found'] })
    expect(JSON.stringify(await rig.mi('dlg_list_ctx'))).toContain('{"more":"x"}')
    await call.hangUp()
  })
})

describe('flags of a call', () => {
  it('are set, tested and cleared', async () => {
    const rig = await callRig({
      invite: `create_dialog(); set_dlg_flag("vip"); set_dlg_flag(5);
        if (is_dlg_flag_set("vip")) xlog("flags $DLG_flags\\n");
        if (test_and_set_dlg_flag("once", 0, 1)) xlog("first\\n");
        if (!test_and_set_dlg_flag("once", 0, 1)) xlog("second\\n");
        reset_dlg_flag("vip"); if (!is_dlg_flag_set("vip")) xlog("gone\\n");`,
    })
    await (await new Call(rig, 'flags').establish()).hangUp()
    const log = rig.proxy.log.join('')
    for (const text of ['flags vip 5', 'first', 'second', 'gone']) expect(log).toContain(text)
  })
})

describe('profiles', () => {
  it('count calls by value until the call ends', async () => {
    const rig = await callRig({
      head: `modparam("dialog", "profiles_with_value", "caller; trunk")
modparam("dialog", "profiles_no_value", "all")`,
      invite: `create_dialog(); set_dlg_profile("caller", "$fU"); set_dlg_profile("all");
        get_profile_size("caller", "$fU", $var(n)); get_profile_size("all", "$var(m)");
        if (is_in_profile("caller", "alice") && !is_in_profile("trunk")) xlog("sizes $var(n) $var(m)\\n");`,
    })
    const call = await new Call(rig, 'p1').establish()
    const second = await new Call(rig, 'p2').establish()
    expect(rig.proxy.log.join('')).toContain('sizes 2 2')
    const Profile = { name: 'caller', value: null, count: 2, shared: 'no', replicated: 'no' }
    expect(await rig.mi('profile_get_size', ['caller'])).toEqual({ Profile })
    expect(await rig.mi('profile_get_values', ['caller'])).toEqual({ Values: [{ value: 'alice', count: 2 }] })
    await expect(rig.mi('profile_get_size', ['nope'])).rejects.toMatchObject({
      code: 404,
      message: 'Profile not found',
    })
    await call.hangUp()
    expect(await rig.mi('profile_get_size', ['caller', 'alice'])).toMatchObject({ Profile: { count: 1 } })
    await rig.mi('profile_end_dlgs', ['all'])
    await answerByes(rig)
    expect(await rig.mi('profile_get_size', ['caller'])).toMatchObject({ Profile: { count: 0 } })
    expect(second.callId).toBe('p2')
  })
})

describe('profiles in a key-value store', () => {
  const head = `loadmodule "cachedb_local.so"
modparam("dialog", "cachedb_url", "local://")
modparam("dialog", "profiles_with_value", "caller/s")
modparam("dialog", "profiles_no_value", "all/s")`
  const invite = `create_dialog(); set_dlg_profile("caller", "$fU"); set_dlg_profile("all");
    get_profile_size("caller", "$fU", $var(n)); get_profile_size("all", $var(m)); xlog("sizes $var(n) $var(m)\n");`

  it('are counted there, together with what others count', async () => {
    const rig = await callRig({ head, invite })
    await rig.mi('cache_store', { system: 'local', attr: 'dlg_noval_all', value: '5' })
    const call = await new Call(rig, 'stored').establish()
    expect(rig.proxy.log.join('')).toContain('sizes 1 6')
    const values = await Promise.all(
      ['dlg_val_caller_alice', 'dlg_size_caller', 'dlg_noval_all'].map(attr =>
        rig.mi('cache_fetch', { system: 'local', attr }),
      ),
    )
    expect(values).toMatchObject([{ value: '1' }, { value: '1' }, { value: '6' }])
    expect(await rig.mi('profile_get_size', ['all'])).toEqual({
      Profile: { name: 'all', value: null, count: 6, shared: 'yes', replicated: 'no' },
    })
    await call.hangUp()
    expect(await rig.mi('profile_get_size', ['all'])).toMatchObject({ Profile: { count: 5 } })
    expect(await rig.mi('profile_get_size', ['caller', 'alice'])).toMatchObject({ Profile: { count: 0 } })
  })

  it('log what the store does not take', async () => {
    const rig = await callRig({ head, invite })
    await rig.mi('cache_store', { system: 'local', attr: 'dlg_noval_all', value: 'x' })
    await new Call(rig, 'broken').establish()
    expect(rig.proxy.log.join('')).toContain('a profile cannot be counted in the key-value store')
  })

  it.each([
    ['', 'the profile "x/s" needs cachedb_url'],
    ['modparam("dialog", "cachedb_url", "redis://h")', 'cachedb_url: no module provides redis://h'],
  ])('%s without the store the start fails', async (more, fault) => {
    const script = `loadmodule "tm.so"\nloadmodule "rr.so"\nloadmodule "dialog.so"
      modparam("dialog", "profiles_no_value", "x/s")\n${more}\nroute { exit; }`
    await expect(startProxy(script)).rejects.toThrow(fault)
  })
})

describe('profiles, for management', () => {
  it('can be listed, joined and left', async () => {
    const rig = await callRig({ head: 'modparam("dialog", "profiles_with_value", "p")', invite: 'create_dialog();' })
    const call = await new Call(rig, 'pm').establish()
    expect(await rig.mi('list_all_profiles')).toEqual({
      Profiles: [{ name: 'p', 'has value': 1, shared: 'no', replicated: 'no' }],
    })
    await rig.mi('dialog:set_profile', { DID: 'pm', profile: 'p', value: 'x' })
    expect(await rig.mi('profile_list_dlgs', ['p', 'x'])).toMatchObject({ Dialogs: [{ callid: 'pm' }] })
    await rig.mi('dialog:unset_profile', { DID: 'pm', profile: 'p', value: 'x' })
    expect(await rig.mi('profile_list_dlgs', ['p'])).toEqual({ Dialogs: [] })
    await call.hangUp()
  })
})

describe('finding the dialog of a request', () => {
  it('works by match_dialog without any Route', async () => {
    const rig = await callRig({
      head: 'modparam("dialog", "dlg_match_mode", 2)',
      invite: 'create_dialog();',
      inside: '',
      before:
        'if (has_totag() && is_method("BYE")) { if (match_dialog()) xlog("matched $DLG_status\\n"); t_relay(); exit; }',
    })
    const call = await new Call(rig, 'md').establish()
    expect(call.arrived.recordRoutes[0]?.uri).not.toContain('did=')
    rig.alice.request('BYE', rig.proxy.port, {
      uri: rig.bob.uri,
      callId: 'md',
      fromTag: 'md-a',
      toTag: 'md-b',
      cseq: 2,
    })
    rig.bob.reply(await rig.bob.nextRequest('BYE'), 200, 'OK')
    await rig.alice.nextReply(200, 'BYE')
    expect(rig.proxy.log.join('')).toContain('matched 5')
    expect(rig.statistic('dialog:active_dialogs')).toBe(0)
  })

  it('works by Call-ID and tags when the id was lost, unless that is forbidden', async () => {
    for (const [mode, expected] of [
      [1, '4→5'],
      [0, '3→4'],
    ] as const) {
      const rig = await callRig({ head: `modparam("dialog", "dlg_match_mode", ${mode})`, invite: 'create_dialog();' })
      const call = await new Call(rig, `m${mode}`).establish()
      const route = headersOf(call.answer, 'Record-Route').map(
        value => `Route: ${value.replace(/;did=[^;>]*/, '')}\r\n`,
      )
      rig.alice.request('BYE', rig.proxy.port, {
        uri: rig.bob.uri,
        callId: call.callId,
        fromTag: `${call.callId}-a`,
        toTag: `${call.callId}-b`,
        cseq: 2,
        headers: route.join(''),
      })
      rig.bob.reply(await rig.bob.nextRequest('BYE'), 200, 'OK')
      await rig.alice.nextReply(200, 'BYE')
      const [, last] = rig.events.at(-1)!
      expect(`${String(last['old_state'])}→${String(last['new_state'])}`).toBe(expected)
    }
  })

  it('does not believe an id whose tags are those of another call', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    const call = await new Call(rig, 'mine').establish()
    const route = headersOf(call.answer, 'Record-Route')
      .map(value => `Route: ${value}\r\n`)
      .join('')
    rig.alice.request('BYE', rig.proxy.port, {
      uri: rig.bob.uri,
      callId: 'mine',
      fromTag: 'x',
      toTag: 'y',
      headers: route,
    })
    rig.bob.reply(await rig.bob.nextRequest('BYE'), 481, 'No')
    await rig.alice.nextReply(481)
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
    await call.hangUp()
  })

  it('counts an ACK whose route does not follow its Route set', async () => {
    const rig = await callRig({ invite: 'create_dialog();', inside: '' })
    const call = await new Call(rig, 'ack').begin()
    await call.accept()
    rig.alice.request('ACK', rig.proxy.port, {
      uri: rig.bob.uri,
      callId: 'ack',
      fromTag: 'ack-a',
      toTag: 'ack-b',
    })
    expect(await rig.event('E_DLG_STATE_CHANGED', 2)).toMatchObject({ old_state: 3, new_state: 4 })
    await call.hangUp()
  })

  it('lets validate_dialog and fix_route_dialog judge and mend a request', async () => {
    const rig = await callRig({
      invite: 'create_dialog();',
      inside: `if (is_method("INFO")) { validate_dialog(); xlog("valid $rc\\n"); fix_route_dialog(); }`,
    })
    const call = await new Call(rig, 'val').establish()
    call.fromAlice('INFO')
    rig.bob.reply(await rig.bob.nextRequest('INFO'), 200, 'OK')
    call.fromAlice('INFO', 1)
    rig.bob.reply(await rig.bob.nextRequest('INFO'), 200, 'OK')
    const route = headersOf(call.answer, 'Record-Route')
      .map(value => `Route: ${value}\r\n`)
      .join('')
    rig.alice.request('INFO', rig.proxy.port, {
      uri: 'sip:elsewhere@127.0.0.1:9',
      callId: 'val',
      fromTag: 'val-a',
      toTag: 'val-b',
      cseq: 9,
      headers: route,
    })
    const mended = await rig.bob.nextRequest('INFO')
    expect(mended.requestUri).toBe(rig.bob.uri)
    rig.bob.reply(mended, 200, 'OK')
    await rig.until('three verdicts', () => rig.proxy.log.filter(line => line.includes('valid ')).length === 3)
    expect(rig.proxy.log.filter(line => line.includes('valid ')).map(line => /valid (-?\d)/.exec(line)?.[1])).toEqual([
      '1',
      '-1',
      '-2',
    ])
  })
})

describe('what cannot be had', () => {
  it.each([
    ['modparam("dialog", "db_mode", 1)', '', 'db_mode 1 needs db_url'],
    ['modparam("dialog", "db_mode", 4)', '', 'db_mode 4: expected 0, 1, 2 or 3'],
    ['modparam("dialog", "profiles_no_value", "x/b")', '', 'the profile "x/b" needs profile_replication_cluster'],
    ['', 'create_dialog("nope");', 'unknown flag "nope"'],
    ['', 'create_dialog(); dlg_on_hangup("nope");', 'there is no route[nope]'],
    ['', 'set_dlg_profile("nope");', 'no profile "nope"'],
  ])('%s %s is refused with the reason', async (head, statement, message) => {
    const script = `loadmodule "tm.so"\nloadmodule "rr.so"\nloadmodule "dialog.so"\n${head}\nroute { ${statement} exit; }`
    await expect(startProxy(script)).rejects.toThrow(message)
  })
})

describe('scripts of version 2.4', () => {
  it('get the fields that version had', async () => {
    const rig = await callRig({ head: 'era = 2.4', invite: 'create_dialog("BPp");' })
    const call = await new Call(rig, 'era').begin()
    rig.bob.reply(call.arrived, 486, 'Busy Here', { toTag: 'era-b' })
    expect(Object.keys(await rig.event('E_DLG_STATE_CHANGED'))).toEqual([
      'hash_entry',
      'hash_id',
      'callid',
      'from_tag',
      'to_tag',
      'old_state',
      'new_state',
    ])
  })
})
