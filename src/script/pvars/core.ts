import type { ScriptPvar } from '../pvar.ts'
import { branchPvars } from './branches.ts'
import { clockPvars } from './clock.ts'
import type { CorePvars, PvarHost } from './core-pvar.ts'
import { credentialPvars } from './credentials.ts'
import { messagePvars } from './message.ts'
import { networkPvars } from './network.ts'
import { partyPvars } from './parties.ts'
import { scriptStatePvars } from './script-state.ts'
import { sdpPvars } from './sdp.ts'
import { storagePvars } from './storage.ts'
import { uriPvars } from './uri.ts'

/** Every variable of the core by name, without its aliases (script reference, pseudo-variables). */
export function corePvars(host: PvarHost): CorePvars {
  return {
    ...storagePvars(host),
    ...uriPvars,
    ...partyPvars,
    ...messagePvars(host),
    ...networkPvars(host),
    ...branchPvars(host),
    ...sdpPvars,
    ...credentialPvars,
    ...clockPvars(host),
    ...scriptStatePvars(host),
  }
}

/** The same under every name and alias. */
export function withAliases(pvars: CorePvars): ReadonlyMap<string, ScriptPvar> {
  const all = new Map(Object.entries(pvars))
  for (const pvar of Object.values(pvars)) for (const alias of pvar.spec.aliases ?? []) all.set(alias, pvar)
  return all
}
