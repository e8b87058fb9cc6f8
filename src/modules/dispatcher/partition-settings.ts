import { avpName } from '../../script/avp-name.ts'
import { parseNamedSettings } from '../../util/named-settings.ts'
import type { DispatcherParams } from './params.ts'

/** Names of the AVPs in which a selection keeps what is left to try; undefined where the script wants none. */
export interface FailoverAvps {
  readonly dst: string
  readonly grp: string
  readonly cnt: string
  readonly sock: string
  readonly attrs: string | undefined
  readonly scriptAttrs: string | undefined
}

/** How one partition is set up. */
export interface PartitionSettings {
  readonly name: string
  readonly dbUrl: string | undefined
  readonly tableName: string
  readonly avps: FailoverAvps
  readonly blacklists: readonly string[]
  readonly pingFrom: string
  readonly pingMethod: string
  readonly isPersistent: boolean
}

/** The partition there is without a `partition` parameter. */
export const DEFAULT_PARTITION = 'default'

const KEYS = [
  'db_url',
  'table_name',
  'dst_avp',
  'grp_avp',
  'cnt_avp',
  'sock_avp',
  'attrs_avp',
  'script_attrs_avp',
  'ds_define_blacklist',
  'ping_from',
  'ping_method',
  'persistent_state',
] as const
type Key = (typeof KEYS)[number]
type Given = Readonly<Partial<Record<Key, string>>>

/**
 * The partitions of the parameters, the default one first. It is there unless only others have a source. Throws an Error
 * that says which parameter is wrong.
 */
export function partitionSettings(params: DispatcherParams, hasDefaultSource: boolean): readonly PartitionSettings[] {
  const written = new Map<string, Given>()
  for (const text of params.partition) {
    const { name, given } = parseNamedSettings('partition', text, KEYS)
    written.set(name, { ...written.get(name), ...given })
  }
  if (hasDefaultSource || written.size === 0) written.set(DEFAULT_PARTITION, written.get(DEFAULT_PARTITION) ?? {})
  const settings = [...written].map(([name, given]) => settingsOf(name, given, params))
  return settings.sort((a, b) => Number(b.name === DEFAULT_PARTITION) - Number(a.name === DEFAULT_PARTITION))
}

function settingsOf(name: string, given: Given, params: DispatcherParams): PartitionSettings {
  const isDefault = name === DEFAULT_PARTITION
  const blacklist = given.ds_define_blacklist
  return {
    name,
    dbUrl: given.db_url ?? params.db_url,
    tableName: given.table_name ?? params.table_name,
    avps: {
      dst: avpName('dst_avp', given.dst_avp ?? params.dst_avp),
      grp: avpName('grp_avp', given.grp_avp ?? params.grp_avp),
      cnt: avpName('cnt_avp', given.cnt_avp ?? params.cnt_avp),
      sock: avpName('sock_avp', given.sock_avp ?? params.sock_avp),
      attrs: optionalAvp('attrs_avp', given.attrs_avp ?? params.attrs_avp),
      scriptAttrs: optionalAvp('script_attrs_avp', given.script_attrs_avp ?? params.script_attrs_avp),
    },
    blacklists: [...(isDefault ? params.ds_define_blacklist : []), ...(blacklist === undefined ? [] : [blacklist])],
    pingFrom: given.ping_from ?? params.ds_ping_from,
    pingMethod: given.ping_method ?? params.ds_ping_method,
    isPersistent: given.persistent_state === undefined ? params.persistent_state !== 0 : given.persistent_state !== '0',
  }
}

function optionalAvp(param: string, text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : avpName(param, text)
}
