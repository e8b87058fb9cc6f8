import { arg, type FunctionHandlers, type FunctionSpec, optional } from '../../module/define.ts'
import type { Arg, PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { changed } from './changes.ts'
import type { Dialog } from './dialog.ts'
import { dialogOf } from './message-link.ts'
import type { Profile } from './profile.ts'
import type { DialogServices } from './services.ts'

const profile = arg('profile', 'str', 'Name of the profile.')
const value = optional(arg('value', 'str', 'Value, in profiles with values.'))

/** Script functions about profiles. */
export const profileSpecs = {
  set_dlg_profile: {
    args: [profile, value, optional(arg('clear', 'int', '1: the call leaves the profile first.'))],
    routes: 'any',
    returns: '1; −1 no dialog, or no value where one is needed',
    doc: 'Puts the call into a profile; more than once counts more than once.',
  },
  unset_dlg_profile: {
    args: [profile, value],
    routes: 'any',
    returns: '1; −1 it was not in',
    doc: 'Takes the call out of a profile.',
  },
  is_in_profile: {
    args: [profile, value],
    routes: 'any',
    returns: '1 it is in; −1 not',
    doc: 'Tells whether it is in.',
  },
  get_profile_size: {
    args: [
      profile,
      optional(arg('value', 'str', 'Value, in profiles with values; or, last, the variable that gets the number.')),
      optional(arg('size', 'var', 'Gets the number.')),
    ],
    routes: 'any',
    returns: '1; −1 no such profile',
    doc: 'Counts the calls in a profile, or those with one value.',
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>

/** Builds them. */
export function profileFunctions(services: DialogServices): FunctionHandlers<typeof profileSpecs> {
  const withProfile = (
    name: Arg<string>,
    wanted: Arg<string> | undefined,
    run: (profile: Profile, value: string | null, m: RouteContext) => boolean | Promise<boolean>,
  ) => {
    const known = name.constant === undefined ? undefined : constantProfile(services, name, name.constant)
    return (m: RouteContext): number | Promise<number> => {
      const profile = known ?? services.profiles.find(name.read(m))
      const done = profile !== undefined && run(profile, wanted?.read(m) ?? null, m)
      if (done instanceof Promise) return done.then(isDone => (isDone ? 1 : -1))
      if (profile !== undefined) return done ? 1 : -1
      services.log.error('no such profile', { profile: name.read(m) })
      return -1
    }
  }
  const current = (m: RouteContext): Dialog | null => dialogOf(m, services.table)
  return {
    set_dlg_profile: (name, wanted, clear) =>
      withProfile(name, wanted, (profile, value, m) => {
        const dialog = current(m)
        if (dialog === null || (profile.hasValues && value === null)) return false
        if ((clear?.read(m) ?? 0) !== 0) while (profile.remove(dialog, value ?? ''));
        profile.add(dialog, value ?? '')
        changed(services, dialog, 'values')
        return true
      }),
    unset_dlg_profile: (name, wanted) =>
      withProfile(name, wanted, (profile, value, m) => {
        const dialog = current(m)
        if (dialog === null || !profile.remove(dialog, value ?? '')) return false
        changed(services, dialog, 'values')
        return true
      }),
    is_in_profile: (name, wanted) =>
      withProfile(name, wanted, (profile, value, m) => {
        const dialog = current(m)
        return dialog !== null && profile.holds(dialog, value)
      }),
    get_profile_size: (name, wanted, size) => {
      const value = size === undefined ? undefined : wanted
      const into =
        size?.constant ??
        variableOf(services, size === undefined ? wanted : undefined) ??
        name.reject('get_profile_size() needs a variable that gets the number')
      return withProfile(name, value, (profile, text, m) => {
        const size = profile.sizeEverywhere(text)
        return size instanceof Promise ? size.then(count => into.set(m, count)) : into.set(m, size)
      })
    },
  }
}

function constantProfile(services: DialogServices, name: Arg<string>, text: string): Profile {
  return services.profiles.find(text) ?? name.reject(`no profile "${text}" in profiles_with_value or profiles_no_value`)
}

function variableOf({ script }: DialogServices, written: Arg<string> | undefined): PvarRef | null {
  return written === undefined || !written.text.trim().startsWith('$') ? null : script.variable(written.text)
}
