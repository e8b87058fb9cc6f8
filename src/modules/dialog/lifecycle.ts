import type { RouteContext, Verdict } from '../../script/context.ts'
import { timerQueuesOf } from '../../util/timer-queues.ts'
import { changed } from './changes.ts'
import { CreateFlag } from './create-flags.ts'
import type { Dialog } from './dialog.ts'
import { endParties } from './local-requests.ts'
import { linkMessage } from './message-link.ts'
import { startPings } from './pings.ts'
import { leaveProfiles } from './profile.ts'
import type { DialogServices } from './services.ts'
import { type DialogInput, DialogState, nextState } from './states.ts'

/** `$DLG_end_reason` (dialog reference, variables). */
export const EndReason = {
  upstreamBye: 'Upstream BYE',
  downstreamBye: 'Downstream BYE',
  timeout: 'Lifetime Timeout',
  command: 'MI Termination',
  ping: 'Ping Timeout',
  reinvitePing: 'ReINVITE Ping Timeout',
  media: 'RTPProxy Timeout',
  race: 'SIP Race Condition',
} as const
export type EndReason = (typeof EndReason)[keyof typeof EndReason]

/** Timers cannot wait longer than this in one go. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/**
 * Moves a dialog on, tells everyone, and does what the new state asks for. `request`: the BYE behind an end. False: the
 * input means nothing in this state.
 */
export function advance(
  services: DialogServices,
  dialog: Dialog,
  input: DialogInput,
  request: RouteContext | null = null,
): boolean {
  const oldState = dialog.state
  const newState = nextState(oldState, input)
  if (newState === oldState) return false
  // Only a call that was refused before it was answered can be answered after its end.
  if (oldState === DialogState.deleted && (dialog.hasByeSeen || dialog.answeredMs !== 0)) return false
  dialog.state = newState
  count(services, oldState, newState)
  services.stateChanged(dialog, oldState, newState)
  if (oldState === DialogState.deleted) services.table.add(dialog)
  if (newState === DialogState.unacknowledged) answer(services, dialog)
  if (newState === DialogState.confirmed) startPings(services, dialog, reason => endByUs(services, dialog, reason))
  if (newState === DialogState.deleted) end(services, dialog, request)
  changed(services, dialog, input === 'ack' ? 'ack' : 'state')
  return true
}

function count({ counts }: DialogServices, oldState: DialogState, newState: DialogState): void {
  const isActive = (state: DialogState) => state === DialogState.unacknowledged || state === DialogState.confirmed
  counts.active += Number(isActive(newState)) - Number(isActive(oldState))
  counts.early += Number(newState === DialogState.early) - Number(oldState === DialogState.early)
}

function answer(services: DialogServices, dialog: Dialog): void {
  dialog.answeredMs = services.clock.nowMs()
  dialog.endedMs = 0
  restartLifetime(services, dialog)
  for (const observe of services.observers.answered) observe(dialog)
  void runRoute(services, dialog, dialog.routes.answer)
}

/** Lets the lifetime begin anew, with `$DLG_timeout` if that was set. */
export function restartLifetime(services: DialogServices, dialog: Dialog): void {
  const lifetimeS = dialog.timeoutS ?? services.settings.defaultTimeoutS
  dialog.expiresMs = services.clock.nowMs() + lifetimeS * 1000
  changed(services, dialog, 'state')
  waitForExpiry(services, dialog, lifetimeS * 1000)
}

/** How long a dialog of another node is kept when that should have ended it. */
const REPLICA_GRACE_MS = 30_000

/** Lets a dialog go without a word: another node has ended it, or should have. */
export function leave(services: DialogServices, dialog: Dialog): void {
  count(services, dialog.state, DialogState.deleted)
  dialog.state = DialogState.deleted
  dialog.endedMs = services.clock.nowMs()
  dialog.clearTimers()
  leaveProfiles(dialog)
  services.table.remove(dialog)
  for (const observe of services.observers.left) observe(dialog)
}

/** Lets time run for a dialog of a process before this one: its lifetime ends when it would have, or at once. */
export function resumeDialog(services: DialogServices, dialog: Dialog): void {
  waitForExpiry(services, dialog, Math.max(0, dialog.expiresMs - services.clock.nowMs()))
  if (dialog.state === DialogState.confirmed) startPings(services, dialog, reason => endByUs(services, dialog, reason))
}

function waitForExpiry(services: DialogServices, dialog: Dialog, leftMs: number): void {
  dialog.timers.lifetime?.clear()
  const { clock } = services
  // Calls that begin now nearly all have the same lifetime; those that are taken over have a rest of it, each another one.
  const timers = leftMs % 1000 === 0 ? timerQueuesOf(clock) : clock
  dialog.timers.lifetime = timers.after(Math.min(leftMs, LONGEST_WAIT_MS), () => {
    dialog.timers.lifetime = null
    if (leftMs > LONGEST_WAIT_MS) waitForExpiry(services, dialog, leftMs - LONGEST_WAIT_MS)
    else void expire(services, dialog)
  })
}

async function expire(services: DialogServices, dialog: Dialog): Promise<void> {
  if (dialog.isReplica) {
    dialog.timers.lifetime = services.clock.after(REPLICA_GRACE_MS, () =>
      dialog.isReplica ? leave(services, dialog) : void expire(services, dialog),
    )
    return
  }
  // Only one that was read from a database: its INVITE is unknown here, so nothing else would end it.
  if (dialog.state === DialogState.early) {
    advance(services, dialog, 'abandoned')
    return
  }
  const dueMs = dialog.expiresMs
  const verdict = runRoute(services, dialog, dialog.routes.timeout)
  if (verdict instanceof Promise) await verdict
  // The route may have given the call more time, or ended it.
  if (!dialog.isActive || dialog.expiresMs !== dueMs) return
  services.counts.expired.value++
  if ((dialog.flags & CreateFlag.byeOnTimeout) !== 0) endByUs(services, dialog, EndReason.timeout)
  else {
    dialog.endReason = EndReason.timeout
    advance(services, dialog, 'ended')
  }
}

/** Ends an answered call from here: BYEs to both parties, then the end itself. False: it is not answered, or over. */
export function endByUs(services: DialogServices, dialog: Dialog, reason: EndReason, headers = ''): boolean {
  if (!dialog.isActive) return false
  dialog.endReason = reason
  endParties(services, dialog, headers)
  advance(services, dialog, 'ended')
  return true
}

/** Ends, after a while, a call that was cancelled and answered at the same time. */
export function startRaceTimer(services: DialogServices, dialog: Dialog): void {
  dialog.timers.race = services.clock.after(
    services.settings.raceTimeoutS * 1000,
    () => void endByUs(services, dialog, EndReason.race),
  )
}

function end(services: DialogServices, dialog: Dialog, request: RouteContext | null): void {
  dialog.endedMs = endOf(dialog, services.clock.nowMs())
  dialog.clearTimers()
  const wasAnswered = dialog.answeredMs !== 0
  for (const observe of services.observers.ended) observe(dialog, { request, wasAnswered })
  if (!wasAnswered) services.counts.failed.value++
  void runRoute(services, dialog, dialog.routes.hangup)
  leaveProfiles(dialog)
  if (dialog.deleteDelayS <= 0) forget(services, dialog)
  else
    dialog.timers.removal = services.clock.after(dialog.deleteDelayS * 1000, () => {
      dialog.timers.removal = null
      forget(services, dialog)
    })
}

/** Nobody finds it any more. Its transactions still hold it for a while, and with it no more than they may ask for. */
function forget({ table }: DialogServices, dialog: Dialog): void {
  table.remove(dialog)
  // One that was refused may be answered after all.
  if (dialog.answeredMs === 0) return
  dialog.caller.sdp = ''
  for (const leg of dialog.callees) leg.sdp = ''
}

/** A call whose lifetime ended while no process ran has lasted until then. */
function endOf(dialog: Dialog, nowMs: number): number {
  const isLate = dialog.isRestored && dialog.endReason === EndReason.timeout
  return isLate ? Math.min(nowMs, dialog.expiresMs) : nowMs
}

/** Runs a route of the script for the dialog, on no message. */
function runRoute(services: DialogServices, dialog: Dialog, name: string | null): Verdict | Promise<Verdict> {
  if (name === null) return 1
  const route = services.script.route('request', name)
  if (route === undefined) {
    services.log.error('no such route', { route: name, callid: dialog.origin.callId })
    return -1
  }
  const m = services.script.dummyContext('request')
  linkMessage(m, { dialog, direction: 'downstream', match: null, previousCseq: 0, cseqShift: 0 })
  return services.script.run(route, m)
}
