import { describe, expect, it } from 'vitest'
import { Call, callRig } from './call-rig.ts'

const states = (events: readonly (readonly [string, Readonly<Record<string, unknown>>])[]) =>
  events
    .filter(([name]) => name === 'E_DLG_STATE_CHANGED')
    .map(([, { old_state, new_state }]) => `${String(old_state)}→${String(new_state)}`)

describe('a call that is answered and ended', () => {
  it('raises E_DLG_STATE_CHANGED for each state, with the fields recorded', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    const call = await new Call(rig, 'c1').establish()
    expect(rig.statistic('dialog:active_dialogs')).toBe(1)
    await call.hangUp()
    await rig.until('the end', () => states(rig.events).length === 4)
    expect(states(rig.events)).toEqual(['1→2', '2→3', '3→4', '4→5'])
    expect(rig.events[0]?.[1]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{1,3}\.[0-9a-f]{1,8}$/),
      db_id: expect.stringMatching(/^\d+$/),
      callid: 'c1',
      from_tag: 'c1-a',
      to_tag: 'c1-b',
      old_state: 1,
      new_state: 2,
    })
    expect(rig.statistic('dialog:active_dialogs')).toBe(0)
    expect(rig.statistic('dialog:early_dialogs')).toBe(0)
    expect(rig.statistic('dialog:processed_dialogs')).toBe(1)
    expect(await rig.mi('dlg_list')).toEqual({ Dialogs: [] })
  })

  it('goes from 1 to 5 with the tag of the callee when that is busy', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    const call = await new Call(rig, 'busy').begin()
    rig.bob.reply(call.arrived, 486, 'Busy Here', { toTag: 'busy-b' })
    rig.alice.ack(call.invite, await rig.alice.nextReply(486), rig.proxy.port)
    expect(await rig.event('E_DLG_STATE_CHANGED')).toMatchObject({ to_tag: 'busy-b', old_state: 1, new_state: 5 })
    expect(rig.statistic('dialog:failed_dialogs')).toBe(1)
  })

  it('goes from 1 to 5 without a tag when the script refuses it statelessly', async () => {
    const rig = await callRig({ invite: 'create_dialog(); sl_send_reply(403, "No"); exit;' })
    rig.alice.request('INVITE', rig.proxy.port, { callId: 'no' })
    await rig.alice.nextReply(403)
    expect(await rig.event('E_DLG_STATE_CHANGED')).toMatchObject({ to_tag: null, old_state: 1, new_state: 5 })
    expect(await rig.mi('dlg_list')).toEqual({ Dialogs: [] })
  })

  it('carries its id in Record-Route as did', async () => {
    const rig = await callRig({ invite: 'create_dialog();' })
    const call = await new Call(rig, 'rr').begin()
    await call.ring()
    const { id } = await rig.event('E_DLG_STATE_CHANGED')
    expect(call.arrived.recordRoutes[0]?.uri).toContain(`;did=${String(id)}`)
    await call.accept()
    await call.acknowledge()
    await call.hangUp()
  })
})
