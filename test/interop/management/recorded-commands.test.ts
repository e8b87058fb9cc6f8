import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../../src/util/virtual-clock.ts'
import { golden } from '../../mi/golden.ts'
import { SipUa } from '../../support/sip-ua.ts'
import { DOORS, type Door, type OpenDoors, openDoors, recordedAnswer } from './doors.ts'

/*
 * The recorded management requests, in the order they were recorded, through the doors of a running proxy: the answers have
 * the recorded members in the recorded order, and the recorded values wherever these do not depend on the machine.
 */

const SCRIPT = `
log_level=3
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "proto_udp.so"
@DOORS@
loadmodule "event_datagram.so"
loadmodule "event_flatstore.so"
loadmodule "event_xmlrpc.so"
loadmodule "event_rabbitmq.so"
loadmodule "event_virtual.so"
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
loadmodule "registrar.so"
startup_route { subscribe_event("E_PIKE_BLOCKED", "flatstore:@DIR@/flat_mi.log"); }
route {
    if (is_method("REGISTER")) { save("location"); exit; }
    # Never asked for: it publishes an event nobody subscribes to.
    if ($rU == "never") raise_event("E_FREESWITCH");
    sl_send_reply(200, "OK");
}
`

type Json = null | boolean | number | string | Json[] | { [member: string]: Json }
type Adapt = (json: Json, doors: OpenDoors) => Json

/** What is compared of an answer, ours and the recorded one, where it is not the whole. */
interface Comparison {
  readonly ours?: Adapt
  readonly recorded?: Adapt
}

const result = (answer: Json): Json => (answer as { result: Json }).result
const listOf = (json: Json, member: string): Json[] => (json as Record<string, Json[]>)[member] ?? []

/** Changes every object of an answer. */
function everyObject(json: Json, change: (object: Record<string, Json>) => Record<string, Json>): Json {
  if (Array.isArray(json)) return json.map(item => everyObject(item, change))
  if (typeof json !== 'object' || json === null) return json
  const members = Object.entries(json).map(([name, value]) => [name, everyObject(value, change)])
  return change(Object.fromEntries(members))
}

/** The shape of a value: members and types without what they hold. */
function shape(json: Json): Json {
  if (Array.isArray(json)) return json.slice(0, 1).map(shape)
  if (typeof json !== 'object' || json === null) return typeof json
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, shape(value)]))
}

const masked =
  (...names: string[]): Adapt =>
  json =>
    everyObject(json, object =>
      Object.fromEntries(Object.entries(object).map(([n, v]) => [n, names.includes(n) ? '*' : v])),
    )
const SHAPE: Comparison = { ours: shape, recorded: shape }

/** Ids follow from the modules loaded; the members we add stand behind the recorded ones. */
const subscribers: Comparison = {
  ours: (json, { proxy }) =>
    everyObject(json, object => {
      if (!('socket' in object)) return 'id' in object ? { ...object, id: 0 } : object
      const recordedMembers = Object.entries(object).slice(0, 'ttl' in object ? 3 : 2)
      return { ...Object.fromEntries(recordedMembers), socket: String(object['socket']).replace(proxy.folder, '') }
    }),
  recorded: json =>
    everyObject(json, object => ({
      ...object,
      ...('id' in object ? { id: 0 } : {}),
      ...('socket' in object ? { socket: String(object['socket']).replace('/var/spool/opensips/rn', '') } : {}),
      // A malformed sub-socket is refused, and what has ended is not listed.
      ...('Subscribers' in object
        ? {
            Subscribers: listOf(object, 'Subscribers').filter(
              s => !/"virtual:FAILOVER foo|"ttl":"expired"/.test(JSON.stringify(s)),
            ),
          }
        : {}),
    })),
}

/** Code and message are recorded; the data that says which part was wrong is ours. */
const refusal: Comparison = { ours: json => everyObject(json, ({ data: _, ...object }) => object) }

const recordedCommands = JSON.parse(recordedAnswer('datagram', 'mi/which')).result as string[]
const recordedStatistics = Object.keys(result(JSON.parse(recordedAnswer('datagram', 'mi/statistics_list'))) as object)

/** The events of the parts that are loaded here as well. E_CORE_LOG has another place. */
const OUR_EVENTS = /^E_(?:CORE_(?!LOG)|PROFILING|FLATSTORE|UL_)/
const eventNames: Adapt = json =>
  listOf(result(json), 'Events')
    .map(event => String((event as Record<string, Json>)['name']))
    .filter(name => OUR_EVENTS.test(name))
const events: Comparison = { ours: eventNames, recorded: eventNames }

/** Statistics of what is one process here and a herd of them there, and of modules that are not loaded. */
const ELSEWHERE = /^(?:rpmem|pkmem|sql|cdb|dns|dialog|clusterer):|-proc-|fragments|processes_number|waiting_tls/
const statistics: Comparison = {
  ours: json => sorted(result(json), name => recordedStatistics.includes(name) && !ELSEWHERE.test(name)),
  recorded: json => sorted(result(json), name => !ELSEWHERE.test(name)),
}

function sorted(json: Json, keep: (name: string) => boolean): Json {
  return Object.entries(json as object)
    .filter(([name]) => keep(name))
    .sort()
    .map(([name, type]) => `${name} ${type}`)
}

const core: Adapt = json => (result(json) as Json[]).filter(group => JSON.stringify(group).startsWith('{"Name":"core"'))

const CASES: readonly (readonly [name: string, comparison?: Comparison])[] = [
  ['help_noarg'],
  ['help_event_subscribe'],
  ['help_evi_subscribe'],
  // Every command has a help text here.
  ['help_pos', { ours: masked('Help'), recorded: masked('Help') }],
  ['events_list', events],
  ['evi_list', events],
  ['subscribers_list_initial', subscribers],
  ['event_subscribe_named_noexpire'],
  ['event_subscribe_pos'],
  ['event_subscribe_strexpire'],
  ['event_subscribe_renew'],
  ['event_subscribe_unknown_event', refusal],
  ['event_subscribe_bad_transport', refusal],
  ['event_subscribe_bad_unix'],
  ['event_subscribe_bad_xmlrpc', refusal],
  ['event_subscribe_bad_flat', refusal],
  ['event_subscribe_bad_virtual', refusal],
  ['event_subscribe_virtual_ok'],
  // Recorded: OK. A malformed sub-socket is refused here.
  [
    'event_subscribe_virtual_nested_bad',
    { ...refusal, recorded: () => JSON.parse(recordedAnswer('datagram', 'mi/event_subscribe_bad_virtual')) },
  ],
  ['event_subscribe_virtual_one'],
  ['event_subscribe_empty_event'],
  ['event_subscribe_neg_expire'],
  ['event_subscribe_text_expire'],
  ['event_subscribe_huge_expire'],
  ['event_subscribe_unknown_named'],
  ['event_subscribe_route', refusal],
  ['subscribers_list_all', subscribers],
  ['subscribers_list_event', subscribers],
  ['subscribers_list_event_named', subscribers],
  ['subscribers_list_event_socket_none'],
  ['subscribers_list_event_nosubs'],
  ['event_unsubscribe_again'],
  ['event_unsubscribe_unknown_sock'],
  ['subscribers_list_after_unsub', subscribers],
  ['raise_event_ok'],
  ['raise_event_named'],
  ['raise_event_unknown'],
  ['raise_event_noparam'],
  ['get_statistics_named'],
  ['get_statistics_unknown'],
  ['get_statistics_one', { ours: masked('core:rcv_requests'), recorded: masked('core:rcv_requests') }],
  ['statistics_list', statistics],
  ['ul_show_contact_none'],
  ['ul_show_contact_badtable'],
  ['ul_dump', { ours: masked('ContactID', 'Socket'), recorded: masked('ContactID', 'Socket') }],
  ['ul_dump_brief'],
  ['ul_rm'],
  ['ul_rm_contact'],
  ['ul_flush'],
  ['evi_flat_rotate_bad'],
  ['log_level', SHAPE],
  ['ps', SHAPE],
  ['sr_list_status', { ours: core, recorded: core }],
]

const REGISTER = golden('usrloc/register_new.req').toString('utf8').split('\n--- reply')[0] ?? ''

/** The recorded registration, under another name and for another time. */
async function register(doors: OpenDoors, user: string, contactPort: number): Promise<void> {
  const ua = await SipUa.open(user)
  const request = REGISTER.replaceAll('alice', user)
    .replace(':6000', `:${contactPort}`)
    .replace('expires=60;', 'expires=600;')
  ua.send(
    request.replace(/127\.0\.0\.1:\d+;branch/, `127.0.0.1:${ua.port};branch`).replace(/(?<!\r)\n/g, '\r\n'),
    doors.proxy.port,
  )
  await ua.nextReply(200)
}

/** What was done to the recorded proxy beside the requests that were kept. */
const BEFORE: Readonly<Record<string, (doors: OpenDoors, door: Door) => Promise<unknown>>> = {
  event_subscribe_named_noexpire: (doors, door) =>
    doors.ask(
      door,
      '{"jsonrpc":"2.0","method":"event_subscribe","id":1,"params":["E_PIKE_BLOCKED","udp:127.0.0.1:9001",1200]}',
    ),
  get_statistics_named: doors => register(doors, 'alice', 6000),
  ul_rm: doors => register(doors, 'zed', 7000),
  ul_rm_contact: doors => register(doors, 'yan', 7001),
}

describe.each(DOORS)('management through the %s door of a running proxy', door => {
  let doors: OpenDoors
  beforeAll(async () => {
    // A clock that stands still: what is left of a lifetime is compared to the second.
    doors = await openDoors(SCRIPT, new VirtualClock())
  })
  afterAll(() => doors?.close())

  it('lists the recorded commands in the recorded order', async () => {
    const ours = result(JSON.parse(await doors.askRecorded(door, 'mi/which'))) as string[]
    expect(ours).toContain('evi:subscribe')
    expect(ours.filter(name => recordedCommands.includes(name))).toEqual(
      recordedCommands.filter(name => ours.includes(name)),
    )
  })

  it.for(CASES)('answers as recorded: %s', async ([name, { ours, recorded } = {}]) => {
    await BEFORE[name]?.(doors, door)
    const answer: Json = JSON.parse(await doors.askRecorded(door, `mi/${name}`))
    const wanted: Json = JSON.parse(recordedAnswer(door, `mi/${name}`))
    const got = ours === undefined ? answer : ours(answer, doors)
    // As text, because the order of members counts.
    expect(JSON.stringify(got, null, 1)).toBe(
      JSON.stringify(recorded === undefined ? wanted : recorded(wanted, doors), null, 1),
    )
  })
})
