import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
import type { Verdict } from '../../script/context.ts'
import type { Domain } from './domain.ts'
import type { LocationStore } from './location-store.ts'

const domain = arg('domain', 'str', 'Location table.')
const aor = arg('aor', 'str', 'Address of record as it is stored.')
const key = arg('key', 'str', 'Name of the value.')

/** Values that scripts keep at an address of record; they live as long as it has contacts. */
export const keyFunctions = {
  ul_add_key: {
    args: [domain, aor, key, optional(arg('value', 'str', 'The value; empty if absent.'))],
    routes: 'any',
    returns: '1 kept; −1 there is no such address of record',
    doc: 'Keeps a value at an address of record.',
  },
  ul_get_key: {
    args: [domain, aor, key, arg('out', 'var', 'Variable for the value.')],
    routes: 'any',
    returns: '1 found; −1 not found, and the variable is unchanged',
    doc: 'Reads a value kept at an address of record.',
  },
  ul_del_key: {
    args: [domain, aor, key],
    routes: 'any',
    returns: '1 removed; −1 not found',
    doc: 'Removes a value kept at an address of record.',
  },
} as const

/** Handlers of {@link keyFunctions}. */
export function keyFunctionHandlers(store: LocationStore): FunctionHandlers<typeof keyFunctions> {
  /** Runs `work` on the table of a call, where there is one; what fails gives −1. */
  const inTable = (name: string, aor: string, work: (domain: Domain) => boolean): Verdict | Promise<Verdict> => {
    const domain = store.find(name)
    if (domain === undefined) return -1
    const done = domain.run(aor, () => work(domain))
    if (!(done instanceof Promise)) return done ? 1 : -1
    return done.then(
      isDone => (isDone ? 1 : -1),
      () => -1,
    )
  }
  return {
    ul_add_key: (table, name, label, value) => m => {
      const aor = name.read(m)
      const text = value === undefined ? '' : value.read(m)
      return inTable(table.read(m), aor, domain => domain.setKey(aor, label.read(m), text))
    },
    ul_get_key: (table, name, label, out) => m => {
      const aor = name.read(m)
      return inTable(table.read(m), aor, domain => {
        const value = domain.keys(aor)?.get(label.read(m))
        return value !== undefined && out.read(m).set(m, value, true)
      })
    },
    ul_del_key: (table, name, label) => m => {
      const aor = name.read(m)
      return inTable(table.read(m), aor, domain => domain.setKey(aor, label.read(m), null))
    },
  }
}
