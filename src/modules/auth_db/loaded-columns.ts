import type { DbValue } from '../../db/schema.ts'
import type { AvpStore } from '../../script/avp.ts'
import { avpName } from '../../script/avp-name.ts'

/** A column that is put into an AVP. */
export interface LoadedColumn {
  readonly column: string
  readonly avp: string
}

/** Reads `load_credentials`: `column;$avp(name)=column`. Throws an Error that says what is wrong with it. */
export function parseLoadedColumns(text: string): readonly LoadedColumn[] {
  return text
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(item => {
      const [, target, column] = /^(?:([^=]*)=)?\s*([A-Za-z_][\w.-]*)$/.exec(item) ?? []
      if (column === undefined)
        throw new Error(`load_credentials "${text}": expected column or $avp(name)=column, got "${item}"`)
      return { column, avp: target === undefined ? column : avpName('load_credentials', target) }
    })
}

/** Adds a value to an AVP. NULL and empty text are passed over. */
export function loadInto(avps: AvpStore, avp: string, value: DbValue): void {
  if (value === null || value === '') return
  if (typeof value !== 'bigint') avps.push(avp, value)
  else avps.push(avp, Number.isSafeInteger(Number(value)) ? Number(value) : String(value))
}
