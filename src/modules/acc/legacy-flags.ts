import type { ScriptAccess } from '../../script/access.ts'
import { account } from './accounting.ts'
import type { AccFlag } from './kinds.ts'
import type { AccServices } from './services.ts'

/** Message flags of 2.1 and earlier that stand for do_accounting. */
export interface LegacyFlagParams {
  readonly log_flag: string
  readonly log_missed_flag: string
  readonly db_flag: string
  readonly db_missed_flag: string
  readonly evi_flag: string
  readonly evi_missed_flag: string
  readonly cdr_flag: string
  readonly failed_transaction_flag: string
}

/** Lets the flags do what do_accounting does, when a request that has them set opens its transaction. */
export function followLegacyFlags(services: AccServices, params: LegacyFlagParams, script: ScriptAccess): void {
  const mask = (name: string): number => (name === '' ? 0 : script.flagBit(name))
  const types = [
    { type: 'log', flag: mask(params.log_flag), missed: mask(params.log_missed_flag) },
    { type: 'db', flag: mask(params.db_flag), missed: mask(params.db_missed_flag) },
    { type: 'evi', flag: mask(params.evi_flag), missed: mask(params.evi_missed_flag) },
  ] as const
  if (types.every(({ flag, missed }) => flag === 0 && missed === 0)) return
  if (types[1].flag !== 0 || types[1].missed !== 0) services.database.isWanted = true
  const cdr = mask(params.cdr_flag)
  if (cdr !== 0) services.wanted.cdr = true
  const failed = mask(params.failed_transaction_flag)
  services.tm.onCreated((_, m) => {
    const isSet = (bits: number): boolean => bits !== 0 && (m.flags & bits) !== 0
    for (const { type, flag, missed } of types) {
      if (isSet(flag) || isSet(missed)) account(services, m, [type], flagsOf(isSet(cdr), isSet(missed), isSet(failed)))
    }
  })
}

function flagsOf(cdr: boolean, missed: boolean, failed: boolean): readonly AccFlag[] {
  const flags: AccFlag[] = []
  if (cdr) flags.push('cdr')
  if (missed) flags.push('missed')
  if (failed) flags.push('failed')
  return flags
}
