import type { Verdict } from '../../script/context.ts'
import { andThen } from '../../util/and-then.ts'
import type { Domain } from './location.ts'
import type { Registrar } from './registrar.ts'

/**
 * Does `work` on the contacts of an address of record. Where the location store waits for a database it gives a promise,
 * which never rejects: `failed` stands for what the database did not let happen.
 */
export function onContacts<T>(
  { log }: Pick<Registrar, 'log'>,
  domain: Domain,
  aor: string,
  work: () => T,
  failed: T,
): T | Promise<T> {
  const done = domain.run(aor, work)
  if (!(done instanceof Promise)) return done
  return done.catch((error: unknown) => {
    log.often().error('The location store failed', { aor, reason: String(error) })
    return failed
  })
}

/** 1 where `work` finds what it looks for among the contacts of an address of record; −1 where not, or where that fails. */
export function verdictOn(
  registrar: Registrar,
  domain: Domain,
  aor: string,
  work: () => boolean,
): Verdict | Promise<Verdict> {
  return andThen(onContacts(registrar, domain, aor, work, false), isTrue => (isTrue ? 1 : -1))
}
