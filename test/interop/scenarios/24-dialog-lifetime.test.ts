import { describe, expect, it } from 'vitest'
import { Call } from '../../modules/dialog/call-rig.ts'
import { headerOf, SipUa } from '../../support/sip-ua.ts'
import { B4 } from './base-scripts.ts'
import { Datagrams, register, startScenario, until } from './rig.ts'

const script = (accounting = '') => `${B4}
loadmodule "dialog.so"
loadmodule "acc.so"
startup_route {
    subscribe_event("E_DLG_STATE_CHANGED", "udp:127.0.0.1:@EVENTS@");
    ${accounting === '' ? '' : 'subscribe_event("E_ACC_CDR", "udp:127.0.0.1:@EVENTS@");'}
}
route {
    if (has_totag()) route(indialog);
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (is_method("REGISTER")) { save("location"); exit; }
    record_route();
    create_dialog("bye-on-timeout");
    $DLG_timeout = 3;
    ${accounting}
    if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
    t_relay();
}
`

async function start(accounting = '') {
  const events = await Datagrams.open()
  const scenario = await startScenario(script(accounting), { EVENTS: events.port })
  const parties = { alice: await SipUa.open('alice'), bob: await SipUa.open('bob'), proxy: scenario }
  await register(parties.bob, scenario.port)
  /** Both phones answer the BYE they get; gives the CSeq of each. */
  const answerByes = async (): Promise<readonly string[]> => {
    const replies = scenario.stat('received_replies') ?? 0
    const cseqs: string[] = []
    for (const phone of [parties.alice, parties.bob]) {
      const bye = await phone.nextRequest('BYE')
      cseqs.push(headerOf(bye, 'CSeq'))
      phone.reply(bye, 200, 'OK')
    }
    await until(() => (scenario.stat('received_replies') ?? 0) >= replies + 2)
    return cseqs
  }
  return { events, scenario, parties, answerByes }
}

describe('scenario 24: the lifetime of a dialog', () => {
  it('ends the call with BYEs to both; each change of state is told, with ids, tags and numbers', async () => {
    const { events, scenario, parties, answerByes } = await start()
    await new Call(parties, 'd24').establish()
    expect(scenario.stat('active_dialogs')).toBe(1)
    await scenario.clock.advance(2_999)
    expect(events.received).toHaveLength(3)
    await scenario.clock.advance(1)
    expect(await answerByes()).toEqual(['1 BYE', '2 BYE'])
    const seen = [
      await events.nextEvent(),
      await events.nextEvent(),
      await events.nextEvent(),
      await events.nextEvent(),
    ]
    for (const [i, { method, params }] of seen.entries()) {
      expect(method).toBe('E_DLG_STATE_CHANGED')
      expect(params).toEqual({
        id: expect.stringMatching(/^[0-9a-f]+\.[0-9a-f]+$/),
        db_id: expect.stringMatching(/^\d+$/),
        callid: 'd24',
        from_tag: 'd24-a',
        to_tag: 'd24-b',
        old_state: i + 1,
        new_state: i + 2,
      })
    }
    expect(scenario.stat('active_dialogs')).toBe(0)
    expect(scenario.stat('expired_dialogs')).toBe(1)
  })

  it('management ends another call, and does not know a wrong id', async () => {
    const { scenario, parties, answerByes } = await start()
    await new Call(parties, 'mi24').establish()
    const { Dialogs } = (await scenario.mi('dlg_list')) as { Dialogs: readonly { ID: string }[] }
    expect(await scenario.mi('dlg_end_dlg', { dialog_id: Dialogs[0]?.ID })).toBe('OK')
    await answerByes()
    expect(scenario.stat('active_dialogs')).toBe(0)
    await expect(scenario.mi('dlg_end_dlg', { dialog_id: 'fff.fff' })).rejects.toMatchObject({ code: 404 })
  })

  it('with accounting is one CDR, though no party hung up', async () => {
    const { events, scenario, parties, answerByes } = await start('do_accounting("evi", "cdr");')
    await new Call(parties, 'acc24').establish()
    await scenario.clock.advance(3_000)
    await answerByes()
    await until(() => events.received.length === 5)
    const cdrs = events.received.filter(text => text.includes('E_ACC_CDR'))
    expect(cdrs).toHaveLength(1)
    expect(JSON.parse(cdrs[0] ?? '').params).toMatchObject({ callid: 'acc24', duration: 3, ms_duration: 3_000 })
  })
})
