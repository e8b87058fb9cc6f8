import { arg, type FunctionHandlers, optional } from '../../module/define.ts'
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
  return {
    ul_add_key: (table, name, label, value) => m => {
      const keys = store.find(table.read(m))?.keys(name.read(m))
      if (keys == null) return -1
      keys.set(label.read(m), value === undefined ? '' : value.read(m))
      return 1
    },
    ul_get_key: (table, name, label, out) => m => {
      const value = store.find(table.read(m))?.keys(name.read(m))?.get(label.read(m))
      return value !== undefined && out.read(m).set(m, value, true) ? 1 : -1
    },
    ul_del_key: (table, name, label) => m => {
      const keys = store.find(table.read(m))?.keys(name.read(m))
      return keys?.delete(label.read(m)) === true ? 1 : -1
    },
  }
}
