import fc from 'fast-check'
import { expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { Call, callRig } from '../dialog/call-rig.ts'
import { callsDatabase } from './database-rig.ts'

const CALLS = 40

/** What each call does: which values it has, whether it is answered, and how many legs it makes. */
const plans = fc.sample(
  fc.record({
    who: fc.constantFrom('', 'carol', 'dave'),
    isAnswered: fc.boolean(),
    legs: fc.integer({ min: 0, max: 2 }),
  }),
  { numRuns: CALLS, seed: 20_261_120 },
)

it('no record of a call shows anything of another, before it or beside it', async () => {
  const { url, file, rows } = await callsDatabase('acc', 'missed_calls')
  for (const table of ['acc', 'missed_calls'])
    for (const column of ['who', 'leg', 'agent']) file.exec(`ALTER TABLE ${table} ADD COLUMN ${column} TEXT`)
  const rig = await callRig({
    clock: new VirtualClock(),
    head: `loadmodule "db_sqlite.so"
      modparam("acc", "db_url", "${url}")
      modparam("acc", "extra_fields", "evi: who")\nmodparam("acc", "extra_fields", "db: who")
      modparam("acc", "leg_fields", "evi: leg")\nmodparam("acc", "leg_fields", "db: leg")
      modparam("acc", "evi_extra", "agent=$ua")\nmodparam("acc", "db_extra", "agent=$ua")`,
    invite: `if ($hdr(X-Who) != NULL) $acc_extra(who) = $hdr(X-Who);
      if ($hdr(X-Legs) =~ "[12]") $acc_leg(leg) = $ci + "-1";
      if ($hdr(X-Legs) =~ "2") { acc_new_leg(); $acc_leg(leg) = $ci + "-2"; }
      do_accounting("db|evi", "cdr|missed");`,
  })
  const names = plans.map((_, i) => `i${i}`)
  const begun: Call[] = []
  for (const [i, { who, legs }] of plans.entries()) {
    const headers = `${who === '' ? '' : `X-Who: ${who}\r\nUser-Agent: phone of ${who}\r\n`}X-Legs: ${legs}\r\n`
    begun.push(await new Call(rig, names[i] ?? '', { headers }).begin())
  }
  for (const [i, call] of begun.entries()) {
    if (plans[i]?.isAnswered === true) await (await call.accept()).acknowledge()
    else {
      rig.bob.reply(call.arrived, 486, 'Busy Here', { toTag: `${call.callId}-b` })
      rig.alice.ack(call.invite, await rig.alice.nextReply(486), rig.proxy.port)
    }
  }
  for (const [i, call] of begun.toReversed().entries())
    if (plans[CALLS - 1 - i]?.isAnswered === true) await call.hangUp()
  const expected = plans.flatMap(({ who, legs, isAnswered }, i) =>
    Array.from({ length: Math.max(1, legs) }, (_, leg) => ({
      callid: names[i],
      sip_code: isAnswered ? '200' : '486',
      who: who || null,
      agent: who === '' ? null : `phone of ${who}`,
      leg: legs === 0 ? null : `${names[i]}-${leg + 1}`,
    })),
  )
  const only = (record: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(['callid', 'sip_code', 'who', 'agent', 'leg'].map(name => [name, record[name] ?? null]))
  const sorted = (records: readonly object[]) => records.map(record => JSON.stringify(record)).toSorted()
  const stored = () => [...rows('acc'), ...rows('missed_calls')]
  await rig.until('all rows', () => stored().length === expected.length)
  expect(sorted(stored().map(only))).toEqual(sorted(expected))
  const raised = rig.events.filter(([name]) => name.startsWith('E_ACC_')).map(([, params]) => only(params))
  expect(sorted(raised)).toEqual(sorted(expected))
})
