import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../../src/util/spec.ts'
import { Call, type CallRig, callRig, type SeenEvent } from '../dialog/call-rig.ts'

const golden = (name: string) => readFileSync(new URL(`../../fixtures/golden/${name}`, import.meta.url), 'utf8')

/** What differs from call to call, in the recordings and here. */
const VARYING = new Set(['id', 'db_id', 'callid', 'from_tag', 'to_tag', 'time', 'created', 'ms_duration', 'duration'])

/** An event with the varying values replaced by their kinds. */
const shape = ([name, params]: SeenEvent): readonly unknown[] => [
  name,
  Object.entries(params).map(([key, value]) => [key, VARYING.has(key) ? typeof value : value]),
]
const recorded = (payload: string): SeenEvent => {
  const { method, params } = JSON.parse(payload) as { method: string; params: Record<string, Value> }
  return [method, params]
}
const linesOf = (name: string) => golden(name).trim().split('\n').map(recorded).map(shape)

const HEAD = `
modparam("dialog", "profiles_with_value", "caller")
modparam("acc", "early_media", 0)
modparam("acc", "extra_fields", "evi: src_ip")
modparam("acc", "extra_fields", "evi: note")
`
const INVITE = `
  create_dialog();
  $acc_extra(src_ip) = $si; $acc_extra(note) = "n,1";
  if ($rU =~ "^ev") do_accounting("evi"); else do_accounting("evi", "cdr|missed");
`

async function answered(rig: CallRig, callId: string): Promise<void> {
  const call = await new Call(rig, callId).establish()
  await call.hangUp()
}

async function busy(rig: CallRig, callId: string): Promise<void> {
  const call = await new Call(rig, callId).begin()
  rig.bob.reply(call.arrived, 486, 'Busy Here', { toTag: `${callId}-b` })
  rig.alice.ack(call.invite, await rig.alice.nextReply(486), rig.proxy.port)
}

describe('calls accounted with do_accounting("evi")', () => {
  it('raise the recorded events, field by field, when answered', async () => {
    const rig = await callRig({ head: HEAD, invite: INVITE.replace('$rU =~ "^ev"', '1') })
    await answered(rig, 'ev1')
    const expected = linesOf('acc/answered_evi_only.out')
    await rig.until('all events', () => rig.events.length >= expected.length)
    expect(rig.events.map(shape)).toEqual(expected)
  })

  it('raise the recorded events when busy: none of acc', async () => {
    const rig = await callRig({ head: HEAD, invite: INVITE.replace('$rU =~ "^ev"', '1') })
    await busy(rig, 'ev2')
    const expected = linesOf('acc/busy_evi_only.out')
    await rig.until('all events', () => rig.events.length >= expected.length)
    expect(rig.events.map(shape)).toEqual(expected)
  })
})

/** The payloads of one event among the results of the workshop. */
function workshop(event: string): readonly (readonly unknown[])[] {
  const payloads = golden('workshop/results.txt').match(/\{"jsonrpc".*?\}\}/g) ?? []
  return payloads
    .map(recorded)
    .filter(([name]) => name === event)
    .map(shape)
}

describe('calls accounted with do_accounting("evi", "cdr|missed")', () => {
  const invite = 'create_dialog("bye-on-timeout"); do_accounting("evi", "cdr|missed");'

  it('raise E_ACC_CDR alone, as recorded, when the BYE has been answered', async () => {
    const rig = await callRig({ invite })
    await answered(rig, 'w1')
    await rig.event('E_ACC_CDR')
    const [expected] = workshop('E_ACC_CDR')
    expect(rig.events.filter(([name]) => name.startsWith('E_ACC')).map(shape)).toEqual([expected])
  })

  it('raise E_ACC_MISSED_EVENT alone, as recorded, when busy', async () => {
    const rig = await callRig({ invite })
    await busy(rig, 'w2')
    await rig.event('E_ACC_MISSED_EVENT')
    const [expected] = workshop('E_ACC_MISSED_EVENT')
    expect(rig.events.filter(([name]) => name.startsWith('E_ACC')).map(shape)).toEqual([expected])
  })
})
