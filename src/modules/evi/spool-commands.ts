import type { EventType } from '../../events/catalogue.ts'
import type { RaisedEvent } from '../../events/event.ts'
import { type Filter, parseFilter } from '../../events/filter.ts'
import { FilterError } from '../../events/filter-scanner.ts'
import type { Subscription } from '../../events/subscription.ts'
import { MiError } from '../../mi/management-interface.ts'
import { arg, type Host, optional } from '../../module/define.ts'
import type { Commands } from '../../util/spec.ts'

/** Events a second where a replay names no rate. */
const DEFAULT_RATE = 1000
const TICK_MS = 50

/** Commands about the spool. */
export const spoolCommands = {
  spool: { args: [], doc: 'tells what is on disk, and for whom' },
  replay: {
    args: [
      arg('from', 'str', 'From when on: seconds since 1970, or a date such as 2026-11-20T17:00:00Z.'),
      optional(arg('to', 'str', 'Until when; now if absent.')),
      optional(arg('event', 'str', 'Only events of this name.')),
      optional(arg('filter', 'str', 'Only events for which all of it holds.')),
      optional(arg('socket', 'str', 'To this subscription alone; to everybody who is subscribed if absent.')),
      optional(arg('rate', 'int', `Events a second; ${DEFAULT_RATE} if absent.`)),
    ],
    doc: 'sends events that are still on disk once more, under the ids they had',
  },
} as const

/** Handlers of the commands about the spool. */
export function spoolCommandHandlers(host: Host): Commands<{ readonly commands: typeof spoolCommands }> {
  return {
    spool: () => summary(host),
    replay: async ({ from, to, rate = DEFAULT_RATE, ...what }) => {
      const fromMs = timeOf('from', from)
      const toMs = to === undefined ? host.clock.nowMs() : timeOf('to', to)
      if (rate < 1) throw new MiError(400, 'Bad parameter value', `rate: expected at least 1, found ${rate}`)
      return { Replayed: await replay(host, fromMs, toMs, rate, pickerOf(host, what)) }
    },
  }
}

function summary({ bus, spool: { folder, spool } }: Host): unknown {
  if (folder === null) throw new MiError(404, 'No spool', 'event_spool is empty')
  const letters = { dead_letters: bus.deadLetters.list().length }
  if (spool === undefined) return { folder, bytes: 0, segments: 0, ...letters, Receivers: [] }
  return {
    folder,
    ...letters,
    bytes: spool.bytes,
    segments: spool.segmentCount,
    waiting_for_disk: spool.pendingBytes,
    Receivers: spool.summary().map(({ name, waiting, lost }) => ({ name, waiting, lost })),
  }
}

function timeOf(name: string, text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  throw new MiError(400, 'Bad parameter value', `${name}: expected seconds since 1970 or a date, found "${text}"`)
}

/** The subscriptions an event is replayed to. */
type Picker = (event: RaisedEvent) => readonly Subscription[]

function pickerOf(
  { bus }: Host,
  {
    event,
    filter: filterText,
    socket,
  }: { event: string | undefined; filter: string | undefined; socket: string | undefined },
): Picker {
  const type = event === undefined ? undefined : bus.catalogue.find(event)
  if (event !== undefined && type === undefined) throw new MiError(404, 'Event not published')
  const filter = filterText === undefined ? null : readFilter(filterText, type)
  const isWanted = (s: Subscription): boolean => socket === undefined || s.matchesSocket(socket)
  if (!bus.subscriptions().some(isWanted)) throw new MiError(404, 'Subscriber does not exist')
  return raised => {
    if (event !== undefined && raised.name !== event) return []
    if (filter !== null && !filter.matches(raised.names, raised.values)) return []
    return bus.receiversOf(raised).filter(isWanted)
  }
}

function readFilter(text: string, type: EventType | undefined): Filter {
  try {
    return parseFilter(text, type ?? null)
  } catch (error) {
    if (error instanceof FilterError) throw new MiError(400, 'Bad parameter value', `filter: ${error.message}`)
    throw error
  }
}

/** Gives the number of events that somebody got. */
async function replay(host: Host, fromMs: number, toMs: number, rate: number, pick: Picker): Promise<number> {
  const { spool } = host.spool
  if (spool === undefined) return 0
  const startedMs = host.clock.monotonicMs()
  let count = 0
  for await (const { item } of spool.records(fromMs, toMs)) {
    const receivers = pick(item)
    if (receivers.length === 0) continue
    for (const subscription of receivers) subscription.offer(item, host.clock.monotonicMs())
    count++
    // Not faster than asked: what is replayed must not push aside what is raised now.
    while (count > ((host.clock.monotonicMs() - startedMs + TICK_MS) * rate) / 1000) await pause(host)
  }
  return count
}

const pause = ({ clock }: Host): Promise<void> => new Promise(resolve => clock.after(TICK_MS, resolve))
