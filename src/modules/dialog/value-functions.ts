import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { textOf } from '../../script/values.ts'
import type { Value } from '../../util/spec.ts'
import { changed } from './changes.ts'
import type { Dialog } from './dialog.ts'
import { listing } from './listing.ts'
import { dialogOf } from './message-link.ts'
import type { DialogServices } from './services.ts'

const flag = arg('flag', 'str', 'Name of the flag.')
const found = arg('dialogs', 'var', 'Gets each dialog as JSON.')
const howMany = optional(arg('count', 'var', 'Gets how many there are.'))

/** Script functions about what is kept with calls, and about finding calls by it. */
export const valueSpecs = {
  store_dlg_value: {
    args: [arg('name', 'str', 'Name of the value.'), arg('value', 'str', 'What to keep.')],
    routes: 'any',
    returns: '1; −1 no dialog',
    doc: 'Keeps a value with the call, as $dlg_val(name) = … does.',
  },
  fetch_dlg_value: {
    args: [arg('name', 'str', 'Name of the value.'), arg('into', 'var', 'Where to put it.')],
    routes: 'any',
    returns: '1; −1 no such value, or no dialog',
    doc: 'Reads a value kept with the call.',
  },
  set_dlg_flag: { args: [flag], routes: 'any', returns: '1; −1 no dialog', doc: 'Sets a flag on the call.' },
  reset_dlg_flag: { args: [flag], routes: 'any', returns: '1; −1 no dialog', doc: 'Clears a flag on the call.' },
  is_dlg_flag_set: { args: [flag], routes: 'any', returns: '1 set; −1 not', doc: 'Tests a flag on the call.' },
  test_and_set_dlg_flag: {
    args: [
      flag,
      optional(arg('expected', 'int', 'Value it must have now, 0 or 1; 0.')),
      optional(arg('value', 'int', 'Value it then gets; 1.')),
    ],
    routes: 'any',
    returns: '1 it had the expected value and was changed; −1 not',
    doc: 'Changes a flag on the call if it has the value expected.',
  },
  get_dialog_info: {
    args: [
      arg('attribute', 'str', 'Name of the value to read.'),
      arg('into', 'var', 'Gets that value of each dialog found.'),
      arg('key', 'str', 'Name of the value to look for.'),
      arg('value', 'str', 'What it must be.'),
      howMany,
    ],
    routes: 'any',
    returns: '1 found; −1 none',
    doc: 'Reads one value of all calls that have another value.',
  },
  get_dialog_vals: {
    args: [
      arg('names', 'var', 'Gets the names.'),
      arg('values', 'var', 'Gets the values.'),
      arg('callid', 'str', 'Call-ID.'),
    ],
    routes: 'any',
    returns: '1; −1 no such call',
    doc: 'Reads all values kept with a call.',
  },
  get_dialogs_by_val: {
    args: [arg('name', 'str', 'Name of a value.'), arg('value', 'str', 'What it must be.'), found, howMany],
    routes: 'any',
    returns: '1 found; −1 none',
    doc: 'Finds the calls that have a value.',
  },
  get_dialogs_by_profile: {
    args: [arg('profile', 'str', 'Profile.'), arg('value', 'str', 'Value; empty for any.'), found, howMany],
    routes: 'any',
    returns: '1 found; −1 none, or no such profile',
    doc: 'Finds the calls that are in a profile.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Builds them. */
export function valueFunctions(services: DialogServices): FunctionHandlers<typeof valueSpecs> {
  const withDialog = (run: (dialog: Dialog, m: RouteContext) => boolean) => (m: RouteContext) => {
    const dialog = dialogOf(m, services.table)
    return dialog !== null && run(dialog, m) ? 1 : -1
  }
  const live = (): readonly Dialog[] => [...services.table.all()].filter(dialog => dialog.endedMs === 0)
  return {
    store_dlg_value: (name, value) => {
      const variable = variableIn(services, value)
      return withDialog((dialog, m) => storeValue(services, dialog, name.read(m), variable?.get(m) ?? value.read(m)))
    },
    fetch_dlg_value: (name, into) =>
      withDialog((dialog, m) => {
        const value = dialog.values.get(name.read(m))
        return value !== undefined && into.read(m).set(m, value)
      }),
    set_dlg_flag: name => withDialog((dialog, m) => setFlag(services, dialog, name.read(m), true)),
    reset_dlg_flag: name => withDialog((dialog, m) => setFlag(services, dialog, name.read(m), false)),
    is_dlg_flag_set: name => withDialog((dialog, m) => dialog.userFlags.has(name.read(m))),
    test_and_set_dlg_flag: (name, expected, value) =>
      withDialog((dialog, m) => {
        const text = name.read(m)
        if (dialog.userFlags.has(text) !== ((expected?.read(m) ?? 0) !== 0)) return false
        return setFlag(services, dialog, text, (value?.read(m) ?? 1) !== 0)
      }),
    get_dialog_info: (attribute, into, key, value, count) => m => {
      const [name, wanted] = [key.read(m), value.read(m)]
      const matches = live().filter(dialog => hasValue(dialog, name, wanted))
      const read = attribute.read(m)
      for (const dialog of matches) {
        const known = dialog.values.get(read)
        if (known !== undefined) into.read(m).set(m, known)
      }
      return report(m, matches.length, count)
    },
    get_dialog_vals: (names, values, callId) => m => {
      const dialog = services.table.ofCall(callId.read(m)).at(-1)
      if (dialog === undefined) return -1
      for (const [name, value] of dialog.values) {
        names.read(m).set(m, name)
        values.read(m).set(m, value)
      }
      return 1
    },
    get_dialogs_by_val: (name, value, into, count) => m => {
      const [wantedName, wanted] = [name.read(m), value.read(m)]
      return give(
        m,
        live().filter(dialog => hasValue(dialog, wantedName, wanted)),
        into,
        count,
      )
    },
    get_dialogs_by_profile: (name, value, into, count) => m => {
      const profile = services.profiles.find(name.read(m))
      if (profile === undefined) return -1
      const wanted = value.read(m) || null
      return give(
        m,
        live().filter(dialog => profile.holds(dialog, wanted)),
        into,
        count,
      )
    },
  }
}

/** `$dlg_val(name) = value`; NULL deletes. */
export function storeValue(services: DialogServices, dialog: Dialog, name: string, value: Value): boolean {
  if (value === null) dialog.values.delete(name)
  else dialog.values.set(name, value)
  changed(services, dialog, 'values')
  return true
}

function setFlag(services: DialogServices, dialog: Dialog, name: string, isSet: boolean): boolean {
  if (isSet) dialog.userFlags.add(name)
  else dialog.userFlags.delete(name)
  changed(services, dialog, 'values')
  return true
}

/** The variable an argument is and nothing else: an integer stays one. */
function variableIn({ script }: DialogServices, { text }: Arg<string>): PvarRef | null {
  return /^\s*\$\w+\([^()$]*\)\s*$/.test(text) ? script.variable(text) : null
}

function hasValue(dialog: Dialog, name: string, wanted: string): boolean {
  const value = dialog.values.get(name)
  return value !== undefined && textOf(value) === wanted
}

function give(
  m: RouteContext,
  dialogs: readonly Dialog[],
  into: Arg<PvarRef>,
  count: Arg<PvarRef> | undefined,
): number {
  for (const dialog of dialogs) into.read(m).set(m, JSON.stringify(listing(dialog, true)))
  return report(m, dialogs.length, count)
}

function report(m: RouteContext, count: number, into: Arg<PvarRef> | undefined): number {
  into?.read(m).set(m, count)
  return count > 0 ? 1 : -1
}
