import type { PvarHandler, PvarHandlers, PvarSite, PvarSpec } from '../../module/define.ts'
import type { RouteContext } from '../../script/context.ts'
import type { Value } from '../../util/spec.ts'
import { earlyTimeout } from './creation.ts'
import type { Dialog } from './dialog.ts'
import { restartLifetime } from './lifecycle.ts'
import { flagText, listing } from './listing.ts'
import { dialogOf, linkOf } from './message-link.ts'
import type { DialogServices } from './services.ts'
import { storeValue } from './value-functions.ts'

const readOnly = (type: PvarSpec['type'], doc: string): PvarSpec => ({ type, writable: false, doc })

/** The module's pseudo-variables. */
export const dialogPvars = {
  DLG_count: readOnly('int', 'How many calls are answered and not ended.'),
  DLG_status: readOnly('int', 'State of the call: 1 unconfirmed, 2 early, 3 answered, 4 confirmed, 5 ended.'),
  DLG_lifetime: readOnly('int', 'Seconds since the call was answered; 0 before.'),
  DLG_flags: readOnly('str', 'Flags set on the call, divided by blanks.'),
  DLG_dir: readOnly('str', 'Which way the request goes: `downstream` from caller to callee, or `upstream`.'),
  DLG_did: readOnly('str', 'Id of the call.'),
  DLG_end_reason: readOnly('str', 'Why the call ended.'),
  DLG_timeout: {
    type: 'int',
    writable: true,
    doc: 'How long the call may last, in seconds; of an answered call, how long it still may.',
  },
  DLG_del_delay: { type: 'int', writable: true, doc: 'How long the call can be looked at after its end, in seconds.' },
  DLG_json: readOnly('str', 'The call as JSON.'),
  DLG_ctx_json: readOnly('str', 'The call as JSON, with its values and profiles.'),
  dlg_val: {
    type: 'any',
    writable: true,
    inner: 'required',
    doc: 'A value kept with the call: `$dlg_val(name)`. NULL deletes.',
  },
} as const satisfies Readonly<Record<string, PvarSpec>>

/** Builds them. */
export function dialogPvarHandlers(services: DialogServices): PvarHandlers<typeof dialogPvars> {
  const nowMs = (): number => services.clock.nowMs()
  const of = (read: (dialog: Dialog, m: RouteContext) => Value) => () => ({
    get: (m: RouteContext): Value => {
      const dialog = dialogOf(m, services.table)
      return dialog === null ? null : read(dialog, m)
    },
  })
  return {
    DLG_count: () => ({ get: () => services.counts.active }),
    DLG_status: of(dialog => dialog.state),
    DLG_lifetime: of(dialog => lifetimeS(dialog, nowMs())),
    DLG_flags: of(flagText),
    DLG_dir: of((_, m) => linkOf(m)?.direction ?? null),
    DLG_did: of(dialog => dialog.id),
    DLG_end_reason: of(dialog => dialog.endReason),
    DLG_timeout: () => timeoutVariable(services),
    DLG_del_delay: () => removalVariable(services),
    DLG_json: of(dialog => JSON.stringify(listing(dialog, false))),
    DLG_ctx_json: of(dialog => JSON.stringify(listing(dialog, true))),
    dlg_val: site => valueVariable(services, site),
  }
}

function lifetimeS(dialog: Dialog, nowMs: number): number {
  if (dialog.answeredMs === 0) return 0
  return Math.floor(((dialog.endedMs === 0 ? nowMs : dialog.endedMs) - dialog.answeredMs) / 1000)
}

function timeoutVariable(services: DialogServices): PvarHandler {
  const { clock, settings, table } = services
  return {
    get: m => {
      const dialog = dialogOf(m, table)
      if (dialog === null) return earlyTimeout.get(m) ?? null
      if (dialog.isActive) return Math.max(0, Math.ceil((dialog.expiresMs - clock.nowMs()) / 1000))
      return dialog.timeoutS ?? settings.defaultTimeoutS
    },
    set: (m, value) => {
      const timeoutS = Number(value)
      if (!isSeconds(services, 'DLG_timeout', value)) return false
      const dialog = dialogOf(m, table)
      if (dialog === null) earlyTimeout.set(m, timeoutS)
      else {
        dialog.timeoutS = timeoutS
        if (dialog.isActive) restartLifetime(services, dialog)
      }
      return true
    },
  }
}

function removalVariable(services: DialogServices): PvarHandler {
  return {
    get: m => dialogOf(m, services.table)?.deleteDelayS ?? null,
    set: (m, value) => {
      const dialog = dialogOf(m, services.table)
      if (dialog === null || !isSeconds(services, 'DLG_del_delay', value)) return false
      dialog.deleteDelayS = Number(value)
      return true
    },
  }
}

function isSeconds({ log }: DialogServices, name: string, value: Value): boolean {
  const isGood = value !== null && value !== '' && Number.isInteger(Number(value)) && Number(value) >= 0
  if (!isGood) log.error('a number of seconds was expected', { variable: name, value: String(value) })
  return isGood
}

function valueVariable(services: DialogServices, { inner }: PvarSite): PvarHandler {
  const { log, table } = services
  const nameOf = (m: RouteContext): string => inner?.read(m) ?? ''
  return {
    get: m => dialogOf(m, table)?.values.get(nameOf(m)) ?? null,
    set: (m, value) => {
      const dialog = dialogOf(m, table)
      if (dialog !== null) return storeValue(services, dialog, nameOf(m), value)
      log.error('a value can only be kept with a dialog, and the message belongs to none', { name: nameOf(m) })
      return false
    },
  }
}
